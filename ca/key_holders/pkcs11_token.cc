#include "ca/key_holders/pkcs11_token.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/x509/der.h"

namespace lenscap::ca {
namespace {

namespace der = x509::der;

// 1.2.840.10045.2.1
constexpr std::array<std::uint8_t, 9> kEcPublicKey{0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
constexpr std::size_t kUncompressedPoints[] = {65, 97, 133};  // of P-256, P-384, P-521
constexpr CK_ULONG kAttributeMost = 4096;                     // octets; the largest that we read is a modulus

Error unfit(Pkcs11Uri const& uri, std::string why) { return {Errc::settings, uri.text() + ": " + std::move(why)}; }

std::string said(CK_RV rv) { return std::string("the token says: ") + p11_kit_strerror(rv); }

// PKCS#11 pads its texts with blanks and ends them with nothing.
template <std::size_t kSize>
std::string text_of(CK_UTF8CHAR const (&padded)[kSize]) {
  std::string text(reinterpret_cast<char const*>(padded), kSize);
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

// Empty when the object has no such attribute.
Bytes attribute(CK_FUNCTION_LIST* module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  if (module->C_GetAttributeValue(session, object, &wanted, 1) != CKR_OK || wanted.ulValueLen > kAttributeMost)
    return {};
  Bytes value(wanted.ulValueLen);
  wanted.pValue = value.data();
  if (module->C_GetAttributeValue(session, object, &wanted, 1) != CKR_OK) return {};
  value.resize(wanted.ulValueLen);
  return value;
}

bool flag(CK_FUNCTION_LIST* module, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  auto const value = attribute(module, session, object, type);
  return value.size() == sizeof(CK_BBOOL) && value[0] == CK_TRUE;
}

// At most two: one too many is all that has to be known.
std::vector<CK_OBJECT_HANDLE> find_objects(CK_FUNCTION_LIST* module, CK_SESSION_HANDLE session, CK_OBJECT_CLASS kind,
                                           CK_ATTRIBUTE const* label, CK_ATTRIBUTE const* id) {
  std::vector<CK_ATTRIBUTE> wanted{{CKA_CLASS, &kind, sizeof kind}};
  if (label != nullptr) wanted.push_back(*label);
  if (id != nullptr) wanted.push_back(*id);
  std::vector<CK_OBJECT_HANDLE> found(2);
  CK_ULONG count = 0;
  if (module->C_FindObjectsInit(session, wanted.data(), wanted.size()) != CKR_OK) return {};
  if (module->C_FindObjects(session, found.data(), found.size(), &count) != CKR_OK) count = 0;
  module->C_FindObjectsFinal(session);
  found.resize(count);
  return found;
}

struct Slot {
  CK_FUNCTION_LIST* module;
  CK_SLOT_ID id;
  CK_TOKEN_INFO token;
};

Result<Slot> find_slot(Pkcs11Modules const& modules, Pkcs11Uri const& uri) {
  std::vector<Slot> matching;
  std::string others;
  for (auto* module : modules.list()) {
    CK_INFO info{};
    if (module->C_GetInfo(&info) != CKR_OK || !uri.matches(info)) continue;
    CK_ULONG count = 0;
    if (module->C_GetSlotList(CK_TRUE, nullptr, &count) != CKR_OK) continue;
    std::vector<CK_SLOT_ID> slots(count);
    if (module->C_GetSlotList(CK_TRUE, slots.data(), &count) != CKR_OK) continue;
    slots.resize(std::min<std::size_t>(count, slots.size()));
    for (auto const id : slots) {
      CK_TOKEN_INFO token{};
      CK_SLOT_INFO slot{};
      if (module->C_GetTokenInfo(id, &token) != CKR_OK || (token.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
      if (module->C_GetSlotInfo(id, &slot) != CKR_OK) continue;
      if (uri.matches(token) && uri.matches(id, slot))
        matching.push_back({module, id, token});
      else
        others += (others.empty() ? "" : ", ") + ("\"" + text_of(token.label) + "\"");
    }
  }
  if (matching.size() == 1) return matching.front();
  if (matching.empty())
    return unfit(uri, "no token matches; " + (others.empty() ? "there is none at all" : "there are: " + others));
  return unfit(uri,
               "more than one token matches; add serial=, as in serial=" + text_of(matching[0].token.serialNumber));
}

Result<> log_in(Slot const& slot, CK_SESSION_HANDLE session, Pkcs11Uri const& uri, SecretBytes const& pin) {
  if ((slot.token.flags & CKF_LOGIN_REQUIRED) == 0) return {};
  if ((slot.token.flags & CKF_USER_PIN_LOCKED) != 0)
    return unfit(uri, "the token has locked its PIN; its security officer can set a new one");
  if ((slot.token.flags & CKF_USER_PIN_FINAL_TRY) != 0)
    return unfit(
        uri, "the token has a single try of its PIN left, which is not risked; log in once by hand, then start again");
  if (pin.empty()) return Error(Errc::wrong_passphrase, uri.text() + ": the token wants its PIN; there is none");
  Bytes octets = to_bytes(pin.view());  // PKCS#11 wants it writable
  CK_RV const rv = slot.module->C_Login(session, CKU_USER, octets.data(), octets.size());
  OPENSSL_cleanse(octets.data(), octets.size());
  switch (rv) {
    case CKR_OK:
    case CKR_USER_ALREADY_LOGGED_IN:
      return {};
    case CKR_PIN_INCORRECT:
    case CKR_PIN_INVALID:
    case CKR_PIN_LEN_RANGE:
      return Error(Errc::wrong_passphrase, uri.text() + ": the passphrase is not the token's PIN");
    case CKR_PIN_LOCKED:
      return unfit(uri, "the token has locked its PIN; its security officer can set a new one");
    default:
      return Error(Errc::unavailable, uri.text() + ": cannot log in; " + said(rv));
  }
}

// "Octet string of the point" says the standard; some modules give the point as it is.
Bytes point_of(Bytes attribute_value) {
  if (std::ranges::find(kUncompressedPoints, attribute_value.size()) != std::end(kUncompressedPoints))
    return attribute_value;
  der::Reader reader(attribute_value, Errc::settings, "point");
  auto const inner = reader.next(der::kOctetString, "octets");
  return inner.ok() ? to_bytes(inner->content) : Bytes();
}

}  // namespace

namespace {

// Without the query attributes that nobody here knows: what is ignored may be a PIN whose attribute is misspelt.
std::string known_part(std::string const& text) {
  auto const query = text.find('?');
  std::string known = text.substr(0, query);
  char separator = '?';
  for (auto begin = query; begin != text.npos;) {
    auto const end = text.find('&', begin + 1);
    auto const attribute = text.substr(begin + 1, end == text.npos ? end : end - begin - 1);
    if (attribute.starts_with("module-path=") || attribute.starts_with("module-name=")) {
      known += std::exchange(separator, '&');
      known += attribute;
    }
    begin = end;
  }
  return known;
}

// RFC 7512 2.3: neither a path nor a file name.
bool is_plain_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_same_name(std::string_view a, std::string_view b) {
  auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

Result<Pkcs11Uri> Pkcs11Uri::parse(std::string const& text) {
  Pkcs11Uri uri({p11_kit_uri_new(), {}}, known_part(text));
  if (int const rv = p11_kit_uri_parse(text.c_str(), P11_KIT_URI_FOR_ANY, uri.uri_.get()); rv != P11_KIT_URI_OK) {
    uri.text_ = "the key's pkcs11: URI";  // what cannot be read may have a PIN in it
    return unfit(uri, p11_kit_uri_message(rv));
  }
  if (p11_kit_uri_get_pin_value(uri.uri_.get()) != nullptr || p11_kit_uri_get_pin_source(uri.uri_.get()) != nullptr) {
    uri.text_ = "the key's pkcs11: URI";
    return unfit(uri,
                 "a PIN does not belong into settings; leave pin-value and pin-source out and give the PIN where "
                 "the passphrase is asked for");
  }
  if (p11_kit_uri_any_unrecognized(uri.uri_.get()) != 0)
    return unfit(uri, "it has a part that RFC 7512 does not know, and so it matches nothing");
  if (uri.module_name() != nullptr && !is_plain_name(uri.module_name()))
    return unfit(
        uri,
        "module-name is a plain name such as softhsm2, neither a path nor a file name: for a file give module-path");
  if (uri.module_name() != nullptr && uri.module_path() != nullptr)
    return unfit(uri, "it has a module-path and a module-name: leave one of them out");
  if (uri.label() == nullptr && uri.id() == nullptr) return unfit(uri, "it names no key: add object= or id=");
  if (auto const* kind = p11_kit_uri_get_attribute(uri.uri_.get(), CKA_CLASS);
      kind != nullptr && *static_cast<CK_OBJECT_CLASS const*>(kind->pValue) != CKO_PRIVATE_KEY)
    return unfit(uri, "it names no private key: leave type= out");
  return uri;
}

bool Pkcs11Uri::matches(CK_INFO const& module) const { return p11_kit_uri_match_module_info(uri_.get(), &module) == 1; }
bool Pkcs11Uri::matches(CK_TOKEN_INFO const& token) const {
  return p11_kit_uri_match_token_info(uri_.get(), &token) == 1;
}
bool Pkcs11Uri::matches(CK_SLOT_ID id, CK_SLOT_INFO const& slot) const {
  auto const wanted = p11_kit_uri_get_slot_id(uri_.get());
  if (wanted != static_cast<CK_SLOT_ID>(-1) && wanted != id) return false;
  return p11_kit_uri_match_slot_info(uri_.get(), &slot) == 1;
}
CK_ATTRIBUTE const* Pkcs11Uri::label() const { return p11_kit_uri_get_attribute(uri_.get(), CKA_LABEL); }
CK_ATTRIBUTE const* Pkcs11Uri::id() const { return p11_kit_uri_get_attribute(uri_.get(), CKA_ID); }

Result<Pkcs11Modules> Pkcs11Modules::load(Pkcs11Uri const& uri) {
  Pkcs11Modules modules;
  auto const words = [] {
    char const* message = p11_kit_message();
    return std::string(message != nullptr ? message : "it gives no reason");
  };
  if (uri.module_path() != nullptr) {
    auto* module = p11_kit_module_load(uri.module_path(), 0);
    if (module == nullptr) return unfit(uri, "the module cannot be loaded: " + words());
    if (CK_RV const rv = p11_kit_module_initialize(module); rv != CKR_OK) {
      p11_kit_module_release(module);
      return unfit(uri, std::string("the module does not start: ") + p11_kit_strerror(rv));
    }
    modules.list_.push_back(module);
    return modules;
  }
  modules.registered_ = p11_kit_modules_load_and_initialize(0);
  if (modules.registered_ == nullptr) return unfit(uri, "p11-kit cannot load its modules: " + words());
  std::string others;
  for (auto** module = modules.registered_; *module != nullptr; ++module) {
    std::unique_ptr<char, decltype(&std::free)> const name(p11_kit_module_get_name(*module), &std::free);
    std::string const known = name ? name.get() : "";
    if (uri.module_name() == nullptr || is_same_name(known, uri.module_name()))
      modules.list_.push_back(*module);
    else
      others += (others.empty() ? "" : ", ") + known;
  }
  if (modules.list_.empty() && uri.module_name() != nullptr)
    return unfit(uri, "p11-kit knows no module of this name; " +
                          (others.empty() ? "it knows none" : "it knows: " + others) +
                          ". A module is known by a file NAME.module in p11-kit's folder of modules");
  return modules;
}

Pkcs11Modules::~Pkcs11Modules() {
  if (registered_ != nullptr) {
    p11_kit_modules_finalize_and_release(registered_);
    return;
  }
  for (auto* module : list_) {
    p11_kit_module_finalize(module);
    p11_kit_module_release(module);
  }
}

Result<Pkcs11Session> Pkcs11Session::open(Pkcs11Modules const& modules, Pkcs11Uri const& uri, SecretBytes const& pin) {
  TRY(auto const slot, find_slot(modules, uri));
  CK_SESSION_HANDLE handle = 0;
  if (CK_RV const rv = slot.module->C_OpenSession(slot.id, CKF_SERIAL_SESSION, nullptr, nullptr, &handle); rv != CKR_OK)
    return Error(Errc::unavailable, uri.text() + ": no session; " + said(rv));
  Pkcs11Session session(slot.module, handle);
  CHECK_OK(log_in(slot, handle, uri, pin));
  CHECK_OK(session.find_key(uri));
  return session;
}

Pkcs11Session::Pkcs11Session(Pkcs11Session&& other) noexcept { *this = std::move(other); }
Pkcs11Session& Pkcs11Session::operator=(Pkcs11Session&& other) noexcept {
  std::swap(module_, other.module_);
  std::swap(handle_, other.handle_);
  std::swap(public_key_, other.public_key_);
  key_ = other.key_;
  mechanism_ = other.mechanism_;
  asks_each_time_ = other.asks_each_time_;
  return *this;
}
Pkcs11Session::~Pkcs11Session() {
  if (module_ != nullptr) module_->C_CloseSession(handle_);
}

Result<> Pkcs11Session::find_key(Pkcs11Uri const& uri) {
  auto const keys = find_objects(module_, handle_, CKO_PRIVATE_KEY, uri.label(), uri.id());
  if (keys.empty()) return unfit(uri, "the token has no such private key, or shows it to nobody with this PIN");
  if (keys.size() > 1) return unfit(uri, "the token has more than one such private key; name its id=");
  key_ = keys.front();
  if (!flag(module_, handle_, key_, CKA_SIGN)) return unfit(uri, "the key may not sign (CKA_SIGN)");
  asks_each_time_ = flag(module_, handle_, key_, CKA_ALWAYS_AUTHENTICATE);
  TRY(auto key, read_public_key(uri));
  mechanism_ = key.type() == x509::KeyType::rsa ? CKM_RSA_PKCS : CKM_ECDSA;
  public_key_ = std::move(key);
  return {};
}

Result<x509::PublicKey> Pkcs11Session::read_public_key(Pkcs11Uri const& uri) const {
  auto const read = [&](CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
    return attribute(module_, handle_, object, type);
  };
  CK_KEY_TYPE type = 0;
  auto const octets = read(key_, CKA_KEY_TYPE);
  if (octets.size() == sizeof type) std::copy(octets.begin(), octets.end(), reinterpret_cast<std::uint8_t*>(&type));
  auto const judged = [&](Result<x509::PublicKey> key) -> Result<x509::PublicKey> {
    if (!key.ok()) return unfit(uri, key.error().detail());
    return key;
  };
  if (type == CKK_RSA)
    return judged(x509::PublicKey::from_rsa(read(key_, CKA_MODULUS), read(key_, CKA_PUBLIC_EXPONENT)));
  if (type != CKK_EC) return unfit(uri, "the key is neither RSA nor of an elliptic curve");
  auto point = point_of(read(key_, CKA_EC_POINT));  // not in every private key: the public one stands beside it
  if (point.empty()) {
    auto id = read(key_, CKA_ID);
    CK_ATTRIBUTE const same_id{CKA_ID, id.data(), id.size()};
    auto const publics = id.empty() ? find_objects(module_, handle_, CKO_PUBLIC_KEY, uri.label(), nullptr)
                                    : find_objects(module_, handle_, CKO_PUBLIC_KEY, nullptr, &same_id);
    if (publics.size() != 1)
      return unfit(uri, "the token has no public key with the private key's id; it is needed to know the key");
    point = point_of(read(publics.front(), CKA_EC_POINT));
  }
  auto const algorithm = der::element(der::kSequence, {kEcPublicKey, read(key_, CKA_EC_PARAMS)});
  return judged(x509::PublicKey::from_spki(der::element(der::kSequence, {algorithm, der::bit_string(point)})));
}

CK_RV Pkcs11Session::sign(ByteView input, SecretBytes const& pin, Bytes& signature) const {
  CK_MECHANISM mechanism{mechanism_, nullptr, 0};
  if (CK_RV const rv = module_->C_SignInit(handle_, &mechanism, key_); rv != CKR_OK) return rv;
  if (asks_each_time_) {
    Bytes octets = to_bytes(pin.view());
    CK_RV const rv = module_->C_Login(handle_, CKU_CONTEXT_SPECIFIC, octets.data(), octets.size());
    OPENSSL_cleanse(octets.data(), octets.size());
    if (rv != CKR_OK) return rv;
  }
  Bytes data = to_bytes(input);  // PKCS#11 wants it writable
  Bytes out(1024);               // RSA-8192
  CK_ULONG size = out.size();
  CK_RV const rv = module_->C_Sign(handle_, data.data(), data.size(), out.data(), &size);
  if (rv != CKR_OK) return rv;
  out.resize(size);
  signature = std::move(out);
  return CKR_OK;
}

}  // namespace lenscap::ca
