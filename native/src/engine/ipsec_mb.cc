#include "engine/ipsec_mb.h"

#if __has_include(<intel-ipsec-mb.h>)
#include <dlfcn.h>
#include <intel-ipsec-mb.h>

#include <type_traits>
#include <utility>
#endif

namespace isthmus {

namespace {

#if __has_include(<intel-ipsec-mb.h>)

// The number in the name is the version of the library's binary interface.
constexpr const char* kFileName = "libIPSec_MB.so.1";

IpsecMb Missing(std::string reason) {
  return {.manager = nullptr, .version = {}, .missing = std::move(reason)};
}

template <typename Function>
bool FindSymbol(void* library, const char* name, Function*& function) {
  function = reinterpret_cast<Function*>(dlsym(library, name));
  return function != nullptr;
}

IpsecMb Load() {
  // Never closed: ciphers may live until the process ends.
  void* library = dlopen(kFileName, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return Missing(dlerror());
  std::remove_reference_t<decltype(imb_get_version)>* getVersion = nullptr;
  std::remove_reference_t<decltype(imb_get_version_str)>* getVersionString = nullptr;
  std::remove_reference_t<decltype(alloc_mb_mgr)>* allocate = nullptr;
  std::remove_reference_t<decltype(init_mb_mgr_auto)>* initialize = nullptr;
  if (!FindSymbol(library, "imb_get_version", getVersion) ||
      !FindSymbol(library, "imb_get_version_str", getVersionString) ||
      !FindSymbol(library, "alloc_mb_mgr", allocate) || !FindSymbol(library, "init_mb_mgr_auto", initialize)) {
    return Missing(std::string(kFileName) + " has not the functions of ipsec-mb");
  }
  // Later versions only append to the manager.
  if (getVersion() < IMB_VERSION_NUM) {
    return Missing(std::string(kFileName) + " is " + getVersionString() + ", the addon was built for " +
                   IMB_VERSION_STR);
  }
  IMB_MGR* manager = allocate(0);
  if (manager == nullptr) return Missing("ipsec-mb has no memory");
  IMB_ARCH arch = IMB_ARCH_NONE;
  initialize(manager, &arch);
  // Without AES instructions its C code would be slower than OpenSSL's.
  if (arch < IMB_ARCH_SSE || manager->imb_errno != 0) {
    return Missing("ipsec-mb has no fast code for this CPU");
  }
  return {.manager = manager, .version = std::string("ipsec-mb ") + getVersionString(), .missing = {}};
}

#else

IpsecMb Load() {
  return {.manager = nullptr, .version = {}, .missing = "the addon was built without intel-ipsec-mb.h"};
}

#endif

}  // namespace

const IpsecMb& FindIpsecMb() {
  static const IpsecMb found = Load();
  return found;
}

}  // namespace isthmus
