add_executable(bench_http ${CMAKE_CURRENT_SOURCE_DIR}/http.cc)
target_link_libraries(bench_http PRIVATE hz_net)
