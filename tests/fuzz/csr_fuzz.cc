// A request that the reader accepts is DER through and through (written again it is the same), has a key that passes
// the key rules, and means to OpenSSL what it means to us. The input is tried twice: as a request, which mostly fails
// at the signature, and as the attributes of a request that is signed here, which lets the fuzzer get behind it.
#include <openssl/err.h>

#include <algorithm>
#include <cstdint>

#include "base/x509/csr.h"
#include "base/x509/der.h"

namespace {

using namespace lenscap;
namespace der = lenscap::x509::der;

// Writes again what was read, element by element.
Bytes again(ByteView input) {
  Bytes out;
  der::Reader reader(input, Errc::malformed, "again");
  while (!reader.at_end()) {
    auto const found = reader.next().value();
    bool const nested = (found.tag & 0x20) != 0;
    auto const content = nested ? again(found.content) : to_bytes(found.content);
    auto const whole = der::element(found.tag, ByteView(content));
    out.insert(out.end(), whole.begin(), whole.end());
  }
  return out;
}

// The names as OpenSSL finds them.
void compare_names(X509_REQ* request, x509::Csr const& csr) {
  ossl::Ptr<STACK_OF(X509_EXTENSION), [](STACK_OF(X509_EXTENSION) * list) {
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
  }> const extensions(X509_REQ_get_extensions(request));
  int critical = 0;
  ossl::Ptr<GENERAL_NAMES, GENERAL_NAMES_free> const names(
      static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions.get(), NID_subject_alt_name, &critical, nullptr)));
  if ((names != nullptr) != csr.has_subject_alt_name) bug("OpenSSL sees another subjectAltName");
  if (!names) return;
  x509::NameSet found;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    auto const* name = sk_GENERAL_NAME_value(names.get(), i);
    auto const* text = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    ByteView const octets(ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (name->type == GEN_DNS) {
      found.dns.insert(x509::DnsName::parse(as_text(octets)).value());
    } else if (name->type == GEN_IPADD) {
      found.ip.insert(x509::IpAddress::from_octets(octets).value());
    } else {
      bug("OpenSSL sees a name of another type");
    }
  }
  if (found != csr.names) bug("OpenSSL sees other names");
}

void check(Bytes const& input) {
  auto const csr = x509::parse_csr(input);
  if (ERR_peek_error() != 0) bug("something is left in OpenSSL's error queue");
  if (!csr.ok()) return;
  if (csr->der != input || again(input) != input) bug("an accepted request is not DER");
  if (!x509::check_key(csr->key, false).ok()) bug("an accepted request has a bad key");
  if (!csr->has_subject_alt_name && csr->names.size() > 1) bug("several names out of one common name");
  unsigned char const* in = input.data();
  ossl::X509ReqPtr const request(d2i_X509_REQ(nullptr, &in, static_cast<long>(input.size())));
  if (request) {
    if (in != input.data() + input.size()) bug("OpenSSL stops before the end");
    compare_names(request.get(), *csr);
  }
  ERR_clear_error();  // our own calls' above: OpenSSL may refuse what stands in other attributes of the subject
}

// A request with these attributes and a good signature.
Bytes sign(ByteView attributes) {
  static x509::PrivateKey const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  constexpr std::uint8_t kEcdsaWithSha256[] = {0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
  auto const subject = der::element(der::kSequence, ByteView());
  auto const info = der::element(der::kSequence, {der::unsigned_integer({}), subject, key.public_key().spki(),
                                                  der::element(der::context_constructed(0), attributes)});
  return der::element(der::kSequence, {info, kEcdsaWithSha256, der::bit_string(key.sign(HashAlgorithm::sha256, info))});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  check(Bytes(data, data + size));
  if (size < 8192) check(sign({data, size}));
  static_cast<void>(lenscap::x509::parse_csr_text({reinterpret_cast<char const*>(data), size}));
  return 0;
}
