#include "engine/cipher_factory.h"

#include "engine/evp_aead.h"
#include "engine/ipsec_mb_gcm.h"

namespace isthmus {

std::unique_ptr<EspCipher> CreateCipher(CipherLibrary library, const CipherRequest& request) {
  if (library != CipherLibrary::kOpenssl) {
    if (std::unique_ptr<EspCipher> cipher = CreateIpsecMbGcm(request)) return cipher;
  }
  return CreateEvpAead(request);
}

}  // namespace isthmus
