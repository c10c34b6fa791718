// A library that fails on the thread that loads it, as a defect of native code does.

__attribute__((constructor)) static void WriteToNull() {
  volatile int* const nowhere = nullptr;
  *nowhere = 1;
}
