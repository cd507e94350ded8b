// hezong-keeper CLAIM_FOLDER: keeps one claim (pool/keeper.h).
#include <cstdio>

#include "pool/keeper.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: hezong-keeper CLAIM_FOLDER\n");
    return 2;
  }
  return hz::pool::keep(argv[1]);
}
