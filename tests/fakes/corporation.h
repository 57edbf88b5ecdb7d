// A corporation's CA as other people's programs make it: a root, perhaps a policy CA below it, and what they sign for
// us. Made by openssl x509, by openssl ca (which stand below a root of openssl x509), or all by GnuTLS's certtool;
// never by our own code.
#pragma once

#include <cstdio>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/fakes/temp_dir.h"

namespace lenscap::fakes {

class Corporation {
 public:
  enum class Tool { openssl_x509, openssl_ca, certtool };
  struct Options {
    Tool tool = Tool::openssl_x509;
    std::string root_key = "EC -pkeyopt ec_paramgen_curve:P-384";  // what openssl genpkey -algorithm takes
    std::string root_subject = "/O=Example Corporation/CN=Corporate Root";
    std::string root_use = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n";
    bool has_policy_ca = false;
    std::string policy_use = "basicConstraints=critical,CA:TRUE,pathlen:1\nkeyUsage=critical,keyCertSign,cRLSign\n";
    std::string issuer_use = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n";
    std::string issuer_subject = {};  // empty: the request's
    std::string hash = "sha256";
    int days = 365;
    int path_length =
        0;  // of ours by openssl ca and certtool; the latter writes 0 as well, the former what is asked for
  };

  Corporation() : Corporation(Options()) {}
  explicit Corporation(Options options) : options_(std::move(options)) {
    make_key("root");
    if (options_.has_policy_ca)
      shell("openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out policy.key");
    if (options_.tool == Tool::certtool)
      make_by_certtool();
    else
      make_by_openssl();
  }

  // Signs the request (PEM) in the file; our certificate is then in issuing(). openssl ca and certtool take over what
  // the request asks for, openssl x509 writes `issuer_use`.
  void sign(std::string const& request) {
    std::string const by = options_.has_policy_ca ? "policy" : "root";
    switch (options_.tool) {
      case Tool::openssl_x509:
        write("issuing.ext", "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n" + options_.issuer_use);
        shell("openssl x509 -req -in '" + request + "' -CA " + by + ".pem -CAkey " + by +
              ".key -CAcreateserial -days " + std::to_string(options_.days) + " -" + options_.hash +
              " -extfile issuing.ext -out issuing.pem" +
              (options_.issuer_subject.empty() ? "" : " -subj '" + options_.issuer_subject + "'"));
        return;
      case Tool::openssl_ca:
        write("ca.cnf",
              "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\nserial=serial\nnew_certs_dir=.\ndefault_md=sha256\n"
              "default_days=365\npolicy=p\ncopy_extensions=copy\nunique_subject=no\nx509_extensions=e\n"
              "[p]\norganizationName=supplied\ncommonName=supplied\n[e]\nauthorityKeyIdentifier=keyid\n" +
                  (options_.path_length == 0 ? ""
                                             : "subjectKeyIdentifier=hash\nkeyUsage=critical,keyCertSign,cRLSign\n"
                                               "basicConstraints=critical,CA:TRUE,pathlen:" +
                                                   std::to_string(options_.path_length) + "\n"));
        write("index.txt", "");
        write("serial", "1000\n");
        shell("openssl ca -batch -notext -config ca.cnf -cert " + by + ".pem -keyfile " + by + ".key -in '" + request +
              "' -out issuing.pem");
        return;
      case Tool::certtool:
        write("issuing.tmpl",
              "ca\ncert_signing_key\ncrl_signing_key\npath_len = " + std::to_string(options_.path_length) +
                  "\nexpiration_days = 365\n"
                  "honor_crq_ext = 2.5.29.30\nhonor_crq_ext = 2.5.29.37\n");
        shell("certtool --generate-certificate --load-request '" + request + "' --load-ca-certificate " + by +
              ".pem --load-ca-privkey " + by + ".key --template issuing.tmpl --outfile issuing.pem");
        return;
    }
  }

  // A key that the corporation makes for us, with its certificate: path("issuing.key"), issuing().
  void issue_with_key(std::string const& algorithm = "EC -pkeyopt ec_paramgen_curve:P-256") {
    shell("openssl genpkey -quiet -algorithm " + algorithm + " -out issuing.key");
    shell("openssl req -new -key issuing.key -subj '/O=Example Corporation/CN=Cameras CA' -out issuing.csr");
    sign(path("issuing.csr"));
  }

  // A command line in the corporation's folder. Throws when it fails.
  void shell(std::string const& command) const {
    std::string const whole = "cd '" + dir_.path("") + "' && { " + command + "; } 2>&1";
    FILE* pipe = ::popen(whole.c_str(), "r");
    if (pipe == nullptr) throw std::runtime_error(command);
    std::string output;
    char buffer[4096];
    while (std::size_t const count = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, count);
    if (::pclose(pipe) != 0) throw std::runtime_error(command + "\n" + output);
  }
  void write(std::string const& name, std::string const& text) const {
    std::ofstream(path(name), std::ios::binary) << text;
  }

  std::string path(std::string const& name) const { return dir_.path(name); }
  std::string root() const { return path("root.pem"); }
  std::string policy() const { return path("policy.pem"); }
  std::string issuing() const { return path("issuing.pem"); }
  // What the parent sends back.
  std::vector<std::string> chain() const {
    std::vector<std::string> files{issuing()};
    if (options_.has_policy_ca) files.push_back(policy());
    files.push_back(root());
    return files;
  }

 private:
  void make_by_openssl() const {
    write("root.ext", "subjectKeyIdentifier=hash\n" + options_.root_use);
    shell("openssl req -new -key root.key -subj '" + options_.root_subject + "' -out root.csr");
    shell("openssl x509 -req -in root.csr -signkey root.key -days 3650 -extfile root.ext -out root.pem");
    if (!options_.has_policy_ca) return;
    write("policy.ext", "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n" + options_.policy_use);
    shell("openssl req -new -key policy.key -subj '/O=Example Corporation/CN=Policy CA' -out policy.csr");
    shell(
        "openssl x509 -req -in policy.csr -CA root.pem -CAkey root.key -CAcreateserial -days 1825 -extfile policy.ext "
        "-out policy.pem");
  }

  // Its templates have words of their own for what these options say in openssl's.
  void make_by_certtool() const {
    Options const usual;
    if (options_.root_use != usual.root_use || options_.policy_use != usual.policy_use ||
        options_.root_subject != usual.root_subject)
      throw std::logic_error("a corporation by certtool has the usual root");
    std::string const ca = "organization = \"Example Corporation\"\nca\ncert_signing_key\ncrl_signing_key\n";
    write("root.tmpl", ca + "cn = \"Corporate Root\"\nexpiration_days = 3650\n");
    shell("certtool --generate-self-signed --load-privkey root.key --template root.tmpl --outfile root.pem");
    if (!options_.has_policy_ca) return;
    write("policy.tmpl", ca + "cn = \"Policy CA\"\nexpiration_days = 1825\npath_len = 1\n");
    shell(
        "certtool --generate-certificate --load-privkey policy.key --load-ca-certificate root.pem --load-ca-privkey "
        "root.key --template policy.tmpl --outfile policy.pem");
  }

  void make_key(std::string const& name) const {
    shell("openssl genpkey -quiet -algorithm " + options_.root_key + " -out " + name + ".key");
  }

  Options options_;
  TempDir dir_;
};

}  // namespace lenscap::fakes
