#include "base/ossl.h"

#include <openssl/err.h>

namespace lenscap::ossl {

std::string take_errors() {
  std::string text;
  while (unsigned long const code = ERR_get_error()) {
    char line[256];
    ERR_error_string_n(code, line, sizeof line);
    if (!text.empty()) text += "; ";
    text += line;
  }
  return text.empty() ? "no detail from OpenSSL" : text;
}

}  // namespace lenscap::ossl
