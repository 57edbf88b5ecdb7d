// One session with one token, logged in, and the private key in it that a URI names (PKCS#11 2.40, RFC 7512).
#pragma once

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "base/x509/key.h"

namespace lenscap::ca {

// What to look for and in which module. Kept for as long as the key is used.
class Pkcs11Uri {
 public:
  // Errc::settings: no such URI, none that names a private key, one with a PIN in it, one whose module-name is no plain
  // name, or with an attribute in its path that is not known (RFC 7512 2.5: it matches nothing). Query attributes that
  // are not known are ignored, as it says there, and are not part of text().
  static Result<Pkcs11Uri> parse(std::string const& text);

  std::string const& text() const { return text_; }
  char const* module_path() const { return p11_kit_uri_get_module_path(uri_.get()); }  // nullptr: p11-kit's modules
  char const* module_name() const { return p11_kit_uri_get_module_name(uri_.get()); }  // nullptr: any of them
  bool matches(CK_INFO const& module) const;
  // By slot-id, slot-description and slot-manufacturer.
  bool matches(CK_SLOT_ID id, CK_SLOT_INFO const& slot) const;
  bool matches(CK_TOKEN_INFO const& token) const;
  CK_ATTRIBUTE const* label() const;  // nullptr: any; borrowed
  CK_ATTRIBUTE const* id() const;

 private:
  struct Free {
    void operator()(P11KitUri* uri) const { p11_kit_uri_free(uri); }
  };
  Pkcs11Uri(std::unique_ptr<P11KitUri, Free> uri, std::string text) : uri_(std::move(uri)), text_(std::move(text)) {}
  std::unique_ptr<P11KitUri, Free> uri_;
  std::string text_;
};

// The loaded and initialised modules that a URI means: the one at its module-path; otherwise those that p11-kit knows
// by a file NAME.module in its folder of modules, of which module-name chooses one, whatever its case.
class Pkcs11Modules {
 public:
  static Result<Pkcs11Modules> load(Pkcs11Uri const& uri);  // Errc::settings
  Pkcs11Modules(Pkcs11Modules&& other) noexcept
      : list_(std::exchange(other.list_, {})), registered_(std::exchange(other.registered_, nullptr)) {}
  Pkcs11Modules& operator=(Pkcs11Modules&&) = delete;
  ~Pkcs11Modules();

  std::vector<CK_FUNCTION_LIST*> const& list() const { return list_; }

 private:
  Pkcs11Modules() = default;
  std::vector<CK_FUNCTION_LIST*> list_;
  CK_FUNCTION_LIST** registered_ = nullptr;  // all of p11-kit's, when they are its
};

// Not safe from two threads at once.
class Pkcs11Session {
 public:
  // Finds token and key and logs in. Errc::settings, Errc::wrong_passphrase; Errc::unavailable for a token that does
  // not answer. `modules` is borrowed.
  static Result<Pkcs11Session> open(Pkcs11Modules const& modules, Pkcs11Uri const& uri, SecretBytes const& pin);
  Pkcs11Session(Pkcs11Session&& other) noexcept;
  Pkcs11Session& operator=(Pkcs11Session&& other) noexcept;
  ~Pkcs11Session();

  x509::PublicKey const& public_key() const { return *public_key_; }
  // CKM_ECDSA or CKM_RSA_PKCS over `input`; `signature` is set where the token says CKR_OK.
  CK_RV sign(ByteView input, SecretBytes const& pin, Bytes& signature) const;

 private:
  Pkcs11Session(CK_FUNCTION_LIST* module, CK_SESSION_HANDLE handle) : module_(module), handle_(handle) {}
  Result<> find_key(Pkcs11Uri const& uri);
  Result<x509::PublicKey> read_public_key(Pkcs11Uri const& uri) const;

  CK_FUNCTION_LIST* module_ = nullptr;
  CK_SESSION_HANDLE handle_ = 0;
  CK_OBJECT_HANDLE key_ = 0;
  CK_MECHANISM_TYPE mechanism_ = 0;
  bool asks_each_time_ = false;  // CKA_ALWAYS_AUTHENTICATE
  std::optional<x509::PublicKey> public_key_;
};

}  // namespace lenscap::ca
