// How uacme is run here. Whom it trusts cannot be told, so it gets a view of the file system in which our root is all
// that /etc/ssl/certs holds; and its clock runs fast, since it waits seconds between questions.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/interop/client_site.h"

namespace lenscap::interop {

// Can this machine's users make the mount namespace that this takes?
inline bool can_run_uacme(ClientSite& site) {
  return site.run({"unshare", "--user", "--map-root-user", "--mount", "true"}).code == 0;
}

// Up to the command; `folder` has one account and its certificates, and `hook` answers challenges.
inline std::vector<std::string> uacme_command(ClientSite& site, std::string const& folder, std::string const& hook) {
  auto const trusted = site.folder("trusted");
  std::filesystem::copy_file(site.ca().root(), trusted + "/ca-certificates.crt",
                             std::filesystem::copy_options::overwrite_existing);
  return {"unshare",
          "--user",
          "--map-root-user",
          "--mount",
          "sh",
          "-c",
          "mount --bind \"$0\" /etc/ssl/certs && exec faketime -f '+0 x10' uacme \"$@\"",
          trusted,
          "--yes",
          "--type",
          "EC",
          "--acme-url",
          site.ca().directory(),
          "--confdir",
          folder,
          "--hook",
          hook};
}

}  // namespace lenscap::interop
