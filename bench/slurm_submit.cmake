add_executable(bench_slurm_submit ${CMAKE_CURRENT_SOURCE_DIR}/slurm_submit.cc)
target_link_libraries(bench_slurm_submit PRIVATE hz_pool)
target_compile_definitions(bench_slurm_submit PRIVATE HZ_SOURCE_DIR="${PROJECT_SOURCE_DIR}" HZ_BINARY_DIR="${CMAKE_BINARY_DIR}")
add_dependencies(bench_slurm_submit hezong-keeper oip-host)
