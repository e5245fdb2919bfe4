// For targets under libFuzzer: TARGET --seeds-to DIRECTORY writes the target's own seeds there, as
// seed-0 and so on, and ends.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

// A target may have well-formed inputs to begin with.
__attribute__((weak)) std::vector<std::string> FuzzSeeds();

// libFuzzer calls it first.
extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  if (*argc != 3 || std::string_view((*argv)[1]) != "--seeds-to") return 0;
  const std::vector<std::string> seeds =
      FuzzSeeds != nullptr ? FuzzSeeds() : std::vector<std::string>();
  for (size_t i = 0; i < seeds.size(); ++i) {
    const std::string path = std::string((*argv)[2]) + "/seed-" + std::to_string(i);
    std::ofstream out(path, std::ios::binary);
    out.write(seeds[i].data(), static_cast<std::streamsize>(seeds[i].size()));
    out.close();
    if (!out) {
      std::fprintf(stderr, "cannot write %s\n", path.c_str());
      std::exit(1);
    }
  }
  std::exit(0);
}
