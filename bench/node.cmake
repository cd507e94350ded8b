add_executable(bench_node ${CMAKE_CURRENT_SOURCE_DIR}/node.cc)
target_link_libraries(bench_node PRIVATE hz_node)
