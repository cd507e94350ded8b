add_executable(bench_p2 ${PROJECT_SOURCE_DIR}/bench/what_if.cc)
target_link_libraries(bench_p2 PRIVATE hz_drill)
