add_executable(bench_p4 ${CMAKE_CURRENT_SOURCE_DIR}/p4.cc)
target_link_libraries(bench_p4 PRIVATE hz_log)
