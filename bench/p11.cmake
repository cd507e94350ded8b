add_executable(bench_p11 ${CMAKE_CURRENT_SOURCE_DIR}/p11.cc)
target_link_libraries(bench_p11 PRIVATE hz_pool)
