add_executable(bench_http_append ${CMAKE_CURRENT_SOURCE_DIR}/http_append.cc)
target_link_libraries(bench_http_append PRIVATE hz_node)
