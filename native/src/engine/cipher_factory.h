// Which implementation carries a transform.
#pragma once

#include <memory>

#include "engine/esp_cipher.h"

namespace isthmus {

// kAuto: the fastest that is there.
enum class CipherLibrary { kAuto, kOpenssl, kIpsecMb };

// Null where the transform is not known, a length is wrong, or the library refuses. What ipsec-mb has not,
// OpenSSL carries.
std::unique_ptr<EspCipher> CreateCipher(CipherLibrary library, const CipherRequest& request);

}  // namespace isthmus
