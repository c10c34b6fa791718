// A very small test runner: TEST registers, CHECK records and goes on, test_main.cc runs and counts.
#pragma once

#include <cstdint>
#include <random>

namespace isthmus::test {

using TestFunction = void (*)();

struct Registration {
  Registration(const char* name, TestFunction function);
};

void RecordFailure(const char* file, int line, const char* expression);

// The same numbers in every run, so that a failure can be repeated.
inline std::mt19937 MakeRandom(uint32_t seed) { return std::mt19937(seed); }

// A number from `low` to `high`, both included.
inline uint32_t Pick(std::mt19937& random, uint32_t low, uint32_t high) {
  return std::uniform_int_distribution<uint32_t>(low, high)(random);
}

}  // namespace isthmus::test

#define TEST(name)                                                              \
  static void name();                                                           \
  static const ::isthmus::test::Registration registration_##name(#name, &name); \
  static void name()

#define CHECK(expression)                                                                \
  do {                                                                                   \
    if (!(expression)) ::isthmus::test::RecordFailure(__FILE__, __LINE__, #expression);  \
  } while (false)
