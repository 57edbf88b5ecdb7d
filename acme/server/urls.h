// Our own URLs, made from the base URL of the settings and nothing else: never from Host (8555-6.4-3, -4). Paths have
// one form each, without query and without a final slash, so a signed `url` is compared as a string.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace lenscap::acme {

// Can this part of a path be the id of an object of ours? What cannot is absent, and no store is asked for it: keys of
// records have a limit. base64url and "." (RFC 9773 4.1), at most 64 characters.
bool is_id(std::string_view text);

class Urls {
 public:
  // "https://host[:port]": https, no path, no query, no credentials, lower-case host, the default port left out.
  static Result<Urls> parse(std::string_view base);  // Errc::settings

  std::string const& base() const { return base_; }
  std::string const& host() const { return host_; }  // as written in the URL, brackets removed
  bool host_is_ip() const { return host_is_ip_; }
  unsigned short port() const { return port_; }

  // What a request for this raw target must carry as `url`.
  std::string of_target(std::string_view target) const { return base_ + std::string(target); }

  std::string directory() const { return base_ + "/acme/directory"; }
  std::string new_nonce() const { return base_ + "/acme/new-nonce"; }
  std::string new_account() const { return base_ + "/acme/new-account"; }
  std::string new_authz() const { return base_ + "/acme/new-authz"; }
  std::string new_order() const { return base_ + "/acme/new-order"; }
  std::string key_change() const { return base_ + "/acme/key-change"; }
  std::string renewal_info() const { return base_ + "/acme/renewal-info"; }  // a certificate's id follows a slash
  std::string roots() const { return base_ + "/acme/roots"; }
  std::string revoke_cert() const { return base_ + "/acme/revoke-cert"; }
  std::string account(std::string_view id) const { return with_id("/acme/account/", id); }
  std::string orders(std::string_view account) const { return account_part(account, "/orders"); }
  std::string order(std::string_view id) const { return with_id("/acme/order/", id); }
  std::string finalize(std::string_view order) const { return with_id("/acme/order/", order) + "/finalize"; }
  std::string authorization(std::string_view id) const { return with_id("/acme/authz/", id); }
  std::string challenge(std::string_view authorization, std::string_view id) const {
    return with_id("/acme/challenge/", authorization) + "/" + std::string(id);
  }
  std::string certificate(std::string_view id) const { return with_id("/acme/cert/", id); }

  // Where a person agrees to changed terms of service: a page, outside of ACME.
  std::string terms_page(std::string_view token) const { return with_id("/terms/", token); }

  // The account id of a `kid`: the exact string that `Location` gave (8555-6.2-16).
  Result<std::string> parse_account(std::string_view kid) const;

 private:
  Urls() = default;
  std::string with_id(std::string_view path, std::string_view id) const {
    return base_ + std::string(path) + std::string(id);
  }
  std::string account_part(std::string_view id, std::string_view tail) const { return account(id) + std::string(tail); }

  std::string base_, host_;
  bool host_is_ip_ = false;
  unsigned short port_ = 443;
};

}  // namespace lenscap::acme
