# Backends that crash, hang or lie, against the conformance runner.
add_executable(fault_worker ${CMAKE_CURRENT_LIST_DIR}/fault_worker.cc)
target_link_libraries(fault_worker PRIVATE hz_onnx)
add_executable(fault_runner ${CMAKE_CURRENT_LIST_DIR}/runner_faults_test.cc)
target_link_libraries(fault_runner PRIVATE unit_main hz_standards)
target_compile_definitions(fault_runner PRIVATE FAULT_WORKER="$<TARGET_FILE:fault_worker>")
add_dependencies(fault_runner fault_worker)
add_test(NAME fault.runner COMMAND fault_runner)
