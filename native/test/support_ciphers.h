// Ciphers of fixed keys for the tests, by each library that is there.
#pragma once

#include <memory>
#include <vector>

#include "engine/cipher_factory.h"

namespace isthmus::test {

// A transform by one of the libraries.
struct Variant {
  int encryptionId = kEncrAesGcm16;
  size_t keyBytes = 32;
  CipherLibrary library = CipherLibrary::kOpenssl;
  int integrityId = kAuthNone;
};

const char* NameOf(CipherLibrary library);

// OpenSSL, and ipsec-mb where it can be loaded.
const std::vector<CipherLibrary>& Libraries();

// Every transform by every library.
const std::vector<Variant>& Variants();

// Null where there is no such transform.
std::unique_ptr<EspCipher> MakeCipher(const Variant& variant, Direction direction, bool esn);

}  // namespace isthmus::test
