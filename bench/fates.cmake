add_executable(bench_fates ${CMAKE_CURRENT_SOURCE_DIR}/fates.cc)
target_link_libraries(bench_fates PRIVATE hz_node)
