#include "engine/cipher_factory.h"

#include "engine/encrypt_then_mac.h"
#include "engine/evp_aead.h"
#include "engine/evp_ccm.h"
#include "engine/evp_gmac.h"
#include "engine/ipsec_mb_gcm.h"

namespace isthmus {

namespace {

std::unique_ptr<EspCipher> CreateCombinedMode(CipherLibrary library, const CipherRequest& request) {
  // A key that would not be used is a mistake.
  if (!request.integrityKey.empty()) return nullptr;
  if (library != CipherLibrary::kOpenssl) {
    if (std::unique_ptr<EspCipher> cipher = CreateIpsecMbGcm(request)) return cipher;
  }
  switch (request.encryptionId) {
    case kEncrAesCcm8:
    case kEncrAesCcm12:
    case kEncrAesCcm16:
      return CreateEvpCcm(request);
    case kEncrNullAuthAesGmac:
      return CreateEvpGmac(request);
    default:
      return CreateEvpAead(request);
  }
}

}  // namespace

std::unique_ptr<EspCipher> CreateCipher(CipherLibrary library, const CipherRequest& request) {
  if (request.integrityId == kAuthNone) return CreateCombinedMode(library, request);
  return CreateEncryptThenMac(request);
}

}  // namespace isthmus
