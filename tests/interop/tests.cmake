# Other programs' readers against our bytes.
add_executable(export_log ${CMAKE_CURRENT_LIST_DIR}/export_log.cc)
target_link_libraries(export_log PRIVATE hz_log)
add_test(NAME interop.go_verifier
         COMMAND ${CMAKE_CURRENT_LIST_DIR}/go_verifier.sh $<TARGET_FILE:export_log> ${CMAKE_BINARY_DIR}/interop)
set_tests_properties(interop.go_verifier PROPERTIES LABELS interop SKIP_RETURN_CODE 77 TIMEOUT 300)
add_test(NAME interop.js_verifier
         COMMAND ${CMAKE_CURRENT_LIST_DIR}/js_verifier.sh $<TARGET_FILE:export_log> ${CMAKE_BINARY_DIR}/interop_js)
set_tests_properties(interop.js_verifier PROPERTIES LABELS interop SKIP_RETURN_CODE 77 TIMEOUT 300)
add_test(NAME interop.public_go
         COMMAND ${CMAKE_CURRENT_LIST_DIR}/public_go.sh $<TARGET_FILE:export_log> ${CMAKE_BINARY_DIR}/interop_go)
set_tests_properties(interop.public_go PROPERTIES LABELS interop SKIP_RETURN_CODE 77 TIMEOUT 900)
add_test(NAME interop.public_witness
         COMMAND ${CMAKE_CURRENT_LIST_DIR}/public_witness.sh $<TARGET_FILE:hezong> ${CMAKE_BINARY_DIR}/interop_witness)
set_tests_properties(interop.public_witness PROPERTIES LABELS interop SKIP_RETURN_CODE 77 TIMEOUT 900)
add_test(NAME interop.vectors COMMAND ${PROJECT_SOURCE_DIR}/spec/vectors/make/make.py --check)
add_test(NAME interop.statement_vectors COMMAND ${PROJECT_SOURCE_DIR}/spec/vectors/make/statements.py --check)
add_test(NAME interop.sealed_vectors COMMAND ${PROJECT_SOURCE_DIR}/spec/vectors/make/sealed.py --check)
set_tests_properties(interop.vectors interop.statement_vectors interop.sealed_vectors PROPERTIES LABELS interop)
add_executable(age_file ${CMAKE_CURRENT_LIST_DIR}/age_file.cc)
target_link_libraries(age_file PRIVATE hz_crypto)
add_test(NAME interop.age
         COMMAND ${CMAKE_CURRENT_LIST_DIR}/age_program.sh $<TARGET_FILE:age_file> ${CMAKE_BINARY_DIR}/interop/age)
set_tests_properties(interop.age PROPERTIES LABELS interop SKIP_RETURN_CODE 77 TIMEOUT 120)
# CycloneDX: an independent JSON Schema validator's verdicts against our reader's.
add_executable(bom_verdicts ${CMAKE_CURRENT_LIST_DIR}/bom_verdicts.cc)
target_link_libraries(bom_verdicts PRIVATE hz_supply)
add_test(NAME interop.cyclonedx_ajv
         COMMAND ${CMAKE_CURRENT_LIST_DIR}/cyclonedx_ajv.sh $<TARGET_FILE:bom_verdicts>
                 ${PROJECT_SOURCE_DIR}/build/npm_oracles/node_modules)
set_tests_properties(interop.cyclonedx_ajv PROPERTIES LABELS interop SKIP_RETURN_CODE 77 TIMEOUT 300)
add_test(NAME interop.bom_rules COMMAND ${CMAKE_CURRENT_LIST_DIR}/bom_rules.py ${PROJECT_SOURCE_DIR}
                                        ${PROJECT_SOURCE_DIR}/build/npm_oracles/node_modules)
set_tests_properties(interop.bom_rules PROPERTIES LABELS interop SKIP_RETURN_CODE 77)
