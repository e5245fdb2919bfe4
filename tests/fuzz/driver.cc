// Runs a fuzz target (LLVMFuzzerTestOneInput) without libFuzzer, in any build: the files of a
// corpus, and random changes of them, of the target's own seeds and of nothing. What libFuzzer
// finds by following branches this finds by luck, but it needs no instrumented build, and the same
// number is the same input.
//
//   TARGET [--seconds S] [--first N] [CORPUS_DIRECTORY]
//
// Input N depends on N, the seeds and the corpus alone. A crash says which one it was:
// --first N --seconds 0 runs it again.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
// A target may have well-formed inputs to begin with.
__attribute__((weak)) std::vector<std::string> FuzzSeeds();

namespace {

constexpr size_t kInputBytesMax = 8192;

volatile uint64_t current = 0;

void TellAndDie(int number) {
  char digits[24];
  size_t at = sizeof(digits);
  digits[--at] = '\n';
  uint64_t rest = current;
  do {
    digits[--at] = static_cast<char>('0' + rest % 10);
  } while ((rest /= 10) > 0);
  constexpr char kText[] = "fuzz: died at --first ";
  (void)!write(STDERR_FILENO, kText, sizeof(kText) - 1);
  (void)!write(STDERR_FILENO, digits + at, sizeof(digits) - at);
  std::signal(number, SIG_DFL);
  std::raise(number);
}

std::string RandomBytes(tholos::base::RandomStream& random, size_t count) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Below(256));
  return bytes;
}

// A number that parsers are likely to stumble over.
uint8_t Interesting(tholos::base::RandomStream& random) {
  constexpr uint8_t kBytes[] = {0, 1, 0x7F, 0x80, 0xFE, 0xFF};
  return kBytes[random.Below(sizeof(kBytes))];
}

void Mutate(tholos::base::RandomStream& random, const std::vector<std::string>& corpus,
            std::string* input) {
  const size_t at = random.Below(input->size() + 1);
  const size_t count = 1 + random.Below(8);
  switch (input->empty() ? 3 : random.Below(8)) {
    case 0:
    case 1:
      (*input)[at % input->size()] ^= static_cast<char>(1 << random.Below(8));
      break;
    case 2:
      (*input)[at % input->size()] = static_cast<char>(Interesting(random));
      break;
    case 3:
      input->insert(at, RandomBytes(random, count));
      break;
    case 4:
      input->erase(at, count);
      break;
    case 5:
      input->insert(at, input->substr(random.Below(input->size()), count * 8));
      break;
    case 6:
      for (size_t i = at; i < input->size() && i < at + count; ++i) {
        (*input)[i] = static_cast<char>(random.Below(256));
      }
      break;
    default: {
      const std::string& other = corpus[random.Below(corpus.size())];
      if (other.empty()) break;
      const size_t from = random.Below(other.size());
      input->replace(at, count * 8, other, from, count * 8);
    }
  }
  if (input->size() > kInputBytesMax) input->resize(kInputBytesMax);
}

std::string InputOf(uint64_t number, const std::vector<std::string>& corpus) {
  if (number < corpus.size()) return corpus[number];
  tholos::base::RandomStream random(number);
  std::string input = corpus[random.Below(corpus.size())];
  if (input.empty()) input = RandomBytes(random, random.Below(200));
  for (uint64_t i = 1 + random.Below(6); i > 0; --i) Mutate(random, corpus, &input);
  return input;
}

void Run(const std::string& input) {
  // Memory of exactly this size: reading beyond it is found in a build that looks for it.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  double seconds = 2;
  uint64_t first = 0;
  std::vector<std::string> corpus = {""};
  if (FuzzSeeds != nullptr) {
    for (std::string& seed : FuzzSeeds()) corpus.push_back(std::move(seed));
  }
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--seconds" && i + 1 < argc) {
      seconds = std::atof(argv[++i]);
    } else if (argument == "--first" && i + 1 < argc) {
      first = std::strtoull(argv[++i], nullptr, 10);
    } else if (std::filesystem::is_directory(argument)) {
      std::vector<std::filesystem::path> paths;
      for (const auto& entry : std::filesystem::directory_iterator(argument))
        paths.push_back(entry);
      std::sort(paths.begin(), paths.end());
      for (const auto& path : paths) {
        std::ifstream in(path, std::ios::binary);
        corpus.emplace_back(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
      }
    } else {
      std::fprintf(stderr, "usage: %s [--seconds S] [--first N] [CORPUS_DIRECTORY]\n", argv[0]);
      return 2;
    }
  }
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM, SIGTRAP}) {
    std::signal(number, TellAndDie);
  }
  const auto limit = static_cast<std::clock_t>(seconds * CLOCKS_PER_SEC);
  uint64_t number = first;
  do {
    current = number;
    Run(InputOf(number, corpus));
    ++number;
  } while (std::clock() < limit);
  std::printf("%llu inputs, %zu of them as given\n",
              static_cast<unsigned long long>(number - first), corpus.size());
  return 0;
}
