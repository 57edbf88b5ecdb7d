// A stock client of a server whose CA is an intermediate of a corporate root: acme-tiny trusts that root and nothing
// else, and so do the judges of what it gets.
#include "tests/interop/client_site.h"

namespace lenscap::interop {
namespace {

using Tool = fakes::Corporation::Tool;

std::size_t certificates_in(std::string const& file) {
  auto const text = fakes::CaProcess::read(file);
  std::size_t found = 0;
  for (auto at = text.find("BEGIN CERT"); at != std::string::npos; at = text.find("BEGIN CERT", at + 1)) ++found;
  return found;
}

// Gets a certificate of cam1.cams.example by acme-tiny; the file with the chain that it printed.
std::string acme_tiny(ClientSite& site) {
  auto const folder = site.folder("tiny");
  EXPECT_EQ(site.run({"openssl", "genrsa", "-out", folder + "/account.key", "2048"}).code, 0);
  auto const asked =
      site.run({"openssl", "req", "-new", "-nodes", "-subj", "/", "-addext", "subjectAltName=DNS:cam1.cams.example",
                "-newkey", "rsa:2048", "-keyout", folder + "/key.pem", "-out", folder + "/csr.pem"});
  EXPECT_EQ(asked.code, 0) << asked.all();
  auto const got = site.run({"env", "SSL_CERT_FILE=" + site.ca().root(), "acme-tiny", "--account-key",
                             folder + "/account.key", "--csr", folder + "/csr.pem", "--acme-dir", site.challenges(),
                             "--disable-check", "--directory-url", site.ca().directory()});
  EXPECT_EQ(got.code, 0) << got.all() << site.ca().log();
  auto const chain = folder + "/chain.pem";
  std::ofstream(chain) << got.out;
  return chain;
}

TEST(CorporateRoot, AClientThatTrustsItAloneGetsACertificateThatItVouchesFor) {
  struct Case {
    char const* name;
    fakes::Corporation::Options parent;
  };
  std::string const ca_use = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n";
  Case const cases[] = {
      {"openssl ca, RSA-4096, a policy CA between",
       {.tool = Tool::openssl_ca, .root_key = "RSA -pkeyopt rsa_keygen_bits:4096", .has_policy_ca = true}},
      {"certtool, P-256", {.tool = Tool::certtool, .root_key = "EC -pkeyopt ec_paramgen_curve:P-256"}},
      {"openssl x509, P-384, a policy CA between",
       {.root_key = "EC -pkeyopt ec_paramgen_curve:P-384", .has_policy_ca = true}},
      {"Microsoft-like template, RSA-2048",
       {.root_key = "RSA -pkeyopt rsa_keygen_bits:2048",
        .root_subject =
            "/DC=com/DC=example/DC=corp/OU=Public Key Services/CN=Example Corporation Enterprise Root CA 01",
        .issuer_use = ca_use + "1.3.6.1.4.1.311.21.1=DER:020100\n"
                               "1.3.6.1.4.1.311.20.2=DER:1e0a00530075006200430041\n"
                               "extendedKeyUsage=serverAuth,clientAuth\n",
        .issuer_subject = "/DC=com/DC=example/DC=corp/OU=Public Key Services/OU=Services/CN=Cameras Issuing CA 01"}},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    fakes::Corporation parent(c.parent);
    ClientSite site({}, &parent);
    LENSCAP_NEED(site.has("acme-tiny"), "acme-tiny");
    site.serve(ClientSite::kOpen, ClientSite::kOpenTables);
    site.serve_webroot();
    auto const chain = acme_tiny(site);
    site.expect_certificate(chain, {"DNS:cam1.cams.example"}, "RSA-2048");
    EXPECT_EQ(certificates_in(chain), c.parent.has_policy_ca ? 3U : 2U);
    site.stop();
  }
}

}  // namespace
}  // namespace lenscap::interop
