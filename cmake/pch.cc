// Carries the precompiled header of cmake/hz.cmake; empty on purpose.
