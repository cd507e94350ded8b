add_executable(bench_mirror ${CMAKE_CURRENT_SOURCE_DIR}/mirror.cc)
target_link_libraries(bench_mirror PRIVATE hz_log)
