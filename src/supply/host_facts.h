// What this computer is: processor, kernel, accelerator drivers. Only what the kernel itself reports.
#pragma once
#include "base/fs.h"
#include "supply/evidence.h"

namespace hz::supply {

// The processor as chip:<model name with '-' for everything but letters, digits and '.'>. Facts without nodes when the
// text names none.
Facts cpu_facts(std::string_view cpuinfo);
// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03 ..." -> driver:nvidia@535.129.03
Facts nvidia_facts(std::string_view version);
// "6.1.0-18-amd64" -> driver:linux@6.1.0-18-amd64
Facts kernel_facts(std::string_view osrelease);

// Reads /proc below `system_root`; absent files are absent facts.
std::vector<Evidence> host_evidence(const fs::path& system_root, const std::string& scope);

}  // namespace hz::supply
