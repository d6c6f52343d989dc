#include "errno-name.h"

#include <cerrno>

#include <uv.h>

namespace xfer {

namespace {

/** What file work can give and libuv's table lacks. */
const char* Supplement(int error) {
  switch (error) {
#ifdef EDQUOT
    case EDQUOT: return "EDQUOT";
#endif
#ifdef ESTALE
    case ESTALE: return "ESTALE";
#endif
#ifdef ENOLCK
    case ENOLCK: return "ENOLCK";
#endif
#ifdef EUCLEAN
    case EUCLEAN: return "EUCLEAN";
#endif
#ifdef ENOKEY
    case ENOKEY: return "ENOKEY";
#endif
    default: return nullptr;
  }
}

}  // namespace

std::string ErrorCode(int error) {
  if (error == kTampered) return "ERR_XFER_TAMPERED";
  if (const char* name = Supplement(error)) return name;
  char name[64];
  return uv_err_name_r(uv_translate_sys_error(error), name, sizeof name);
}

std::string ErrorMessage(int error) {
  if (error == kTampered) return "a sealed record did not verify";
  if (const char* name = Supplement(error)) return name;
  char message[160];
  return uv_strerror_r(uv_translate_sys_error(error), message, sizeof message);
}

}  // namespace xfer
