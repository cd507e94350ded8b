add_executable(bench_p5 ${CMAKE_CURRENT_SOURCE_DIR}/p5.cc)
target_link_libraries(bench_p5 PRIVATE hz_share hz_pool hz_talent)
