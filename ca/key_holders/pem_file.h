// The issuing key from an encrypted PKCS#8 file: opened once, then in this process's memory.
#pragma once

#include "ca/key_holder.h"

namespace lenscap::ca {

// `path` is relative to `base_dir` unless it begins with a slash. Refuses (Errc::file) a file that others may read.
Result<std::unique_ptr<KeyHolder>> open_pem_file(std::string_view path, std::string_view base_dir,
                                                 SecretBytes const& passphrase);

}  // namespace lenscap::ca
