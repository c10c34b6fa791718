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
      for (const size_t keyBytes : {16, 24, 32}) variants.push_back({kEncrAesGcm16, keyBytes, library});
    }
    variants.push_back({kEncrChacha20Poly1305, 32, CipherLibrary::kOpenssl});
    return variants;
  }();
  return all;
}

std::unique_ptr<EspCipher> MakeCipher(const Variant& variant, Direction direction, bool esn) {
  return CreateCipher(variant.library, {.encryptionId = variant.encryptionId,
                                        .key = Pattern(variant.keyBytes, 77),
                                        .salt = Bytes{9, 8, 7, 6},
                                        .esn = esn,
                                        .direction = direction});
}

}  // namespace isthmus::test
