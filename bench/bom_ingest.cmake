# Figure bom_ingest: CycloneDX JSON to rows in memory, one core.
add_executable(bench_bom_ingest ${PROJECT_SOURCE_DIR}/bench/bom_ingest.cc)
target_link_libraries(bench_bom_ingest PRIVATE hz_supply)
