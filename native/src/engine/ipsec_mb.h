// Intel's ipsec-mb, an optional library whose AES-GCM costs less per packet than OpenSSL's. Its header may be
// missing where the addon is built and the library where it runs; both are no failure. The library chooses its
// code by the CPU it finds.
#pragma once

#include <string>

struct IMB_MGR;

namespace isthmus {

struct IpsecMb {
  // Null where the library cannot be used. The functions behind it keep no state, so all threads share it.
  const IMB_MGR* manager = nullptr;
  // "ipsec-mb 1.3.0".
  std::string version;
  // Why there is no manager: "libIPSec_MB.so.1: cannot open shared object file …".
  std::string missing;
};

// Loads the library at the first call of the process.
const IpsecMb& FindIpsecMb();

}  // namespace isthmus
