// Runs all registered tests and prints "N passed, N failed".
#include <cstdio>
#include <vector>

#include "harness.h"

namespace isthmus::test {

namespace {

struct Test {
  const char* name;
  TestFunction function;
};

std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}

int failures = 0;

}  // namespace

Registration::Registration(const char* name, TestFunction function) { Tests().push_back({name, function}); }

void RecordFailure(const char* file, int line, const char* expression) {
  // A broken loop would print the same line for ever.
  if (failures++ < 10) std::fprintf(stderr, "  %s:%d: %s\n", file, line, expression);
}

}  // namespace isthmus::test

int main() {
  using namespace isthmus::test;
  int passed = 0;
  int failed = 0;
  for (const Test& test : Tests()) {
    failures = 0;
    test.function();
    if (failures == 0) {
      passed++;
    } else {
      failed++;
      std::fprintf(stderr, "FAILED %s (%d checks)\n", test.name, failures);
    }
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
