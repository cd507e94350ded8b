# The demo products' golden sets on the reference runtime.
add_executable(bench_refrt_products ${CMAKE_CURRENT_LIST_DIR}/refrt_products.cc)
target_link_libraries(bench_refrt_products PRIVATE hz_standards hz_refrt)
