#include "support_ciphers.h"

#include "engine/ipsec_mb.h"
#include "support_packets.h"

namespace isthmus::test {

const char* NameOf(CipherLibrary library) {
  switch (library) {
    case CipherLibrary::kAuto:
      return "auto";
    case CipherLibrary::kOpenssl:
      return "openssl";
    case CipherLibrary::kIpsecMb:
      return "ipsec-mb";
  }
  return "";
}

const std::vector<CipherLibrary>& Libraries() {
  static const std::vector<CipherLibrary> all =
      FindIpsecMb().manager == nullptr
          ? std::vector<CipherLibrary>{CipherLibrary::kOpenssl}
          : std::vector<CipherLibrary>{CipherLibrary::kOpenssl, CipherLibrary::kIpsecMb};
  return all;
}

const std::vector<Variant>& Variants() {
  static const std::vector<Variant> all = [] {
    std::vector<Variant> variants;
    for (const CipherLibrary library : Libraries()) {
      for (const int id : {kEncrAesGcm16, kEncrAesGcm12, kEncrAesGcm8}) {
        for (const size_t keyBytes : {16, 24, 32}) variants.push_back({id, keyBytes, library});
      }
    }
    const CipherLibrary openssl = CipherLibrary::kOpenssl;
    variants.push_back({kEncrChacha20Poly1305, 32, openssl});
    for (const int id : {kEncrAesCcm16, kEncrAesCcm12, kEncrAesCcm8, kEncrNullAuthAesGmac}) {
      for (const size_t keyBytes : {16, 24, 32}) variants.push_back({id, keyBytes, openssl});
    }
    for (const int integrity : {kAuthHmacSha2_256_128, kAuthHmacSha2_384_192, kAuthHmacSha2_512_256}) {
      for (const size_t keyBytes : {16, 24, 32}) variants.push_back({kEncrAesCbc, keyBytes, openssl, integrity});
      variants.push_back({kEncrNull, 0, openssl, integrity});
    }
    return variants;
  }();
  return all;
}

namespace {

size_t SaltBytes(int encryptionId) {
  switch (encryptionId) {
    case kEncrNull:
    case kEncrAesCbc:
      return 0;
    case kEncrAesCcm8:
    case kEncrAesCcm12:
    case kEncrAesCcm16:
      return 3;
    default:
      return 4;
  }
}

// RFC 4868 §2.1.1.
size_t IntegrityKeyBytes(int integrityId) {
  switch (integrityId) {
    case kAuthHmacSha2_256_128:
      return 32;
    case kAuthHmacSha2_384_192:
      return 48;
    case kAuthHmacSha2_512_256:
      return 64;
    default:
      return 0;
  }
}

}  // namespace

std::unique_ptr<EspCipher> MakeCipher(const Variant& variant, Direction direction, bool esn) {
  const Bytes key = Pattern(variant.keyBytes, 77);
  const Bytes salt = Pattern(SaltBytes(variant.encryptionId), 78);
  const Bytes integrityKey = Pattern(IntegrityKeyBytes(variant.integrityId), 79);
  const Bytes ivKey = Pattern(32, 80);
  return CreateCipher(variant.library, {.encryptionId = variant.encryptionId,
                                        .integrityId = variant.integrityId,
                                        .key = key,
                                        .salt = salt,
                                        .integrityKey = integrityKey,
                                        .ivKey = ivKey,
                                        .esn = esn,
                                        .direction = direction});
}

}  // namespace isthmus::test
