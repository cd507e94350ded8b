add_executable(bench_witness ${CMAKE_CURRENT_SOURCE_DIR}/witness.cc)
target_link_libraries(bench_witness PRIVATE hz_log hz_net)
