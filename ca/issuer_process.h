// The signer: the half of the CA that has the keys, of all its issuers. It believes nothing that the other half says.
// From a request it builds the certificate again by its own settings, judges it as the issuer does (names against the
// whole chain, key, validity, profile, lint), looks at its own clock and at its own caps, writes it into its own
// ledger, and signs. Whoever takes over the front end gets what a client could get who may have everything that
// profiles and constraints allow, at the caps' pace, and all of it on record here, as long as it cannot write this
// process's files (ADR 18). It does NOT know the store: whether a request was authorized, and which certificates are
// revoked, is the front end's word.
//
// answer() is the whole of it, without a socket; signing_service.h is the loop around it.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ca/authority.h"
#include "ca/crl_reading.h"
#include "ca/issuer_messages.h"
#include "ca/key_signer.h"
#include "ca/signing_cap.h"
#include "ca/signing_ledger.h"

namespace lenscap::ca {

// What the front end shows to its clients.
struct FrontCertificate {
  std::string profile;
  x509::NameSet names;
};

struct IssuerProcessSettings {
  AuthoritySettings authority;
  SigningCaps caps;
  // By the settings, as the signer reads them. Such a certificate, and what signs OCSP answers, may be had when the
  // caps are reached: out of a reserve (signing_cap.h), which is all that a front end in wrong hands gains by it.
  std::optional<FrontCertificate> front = {};
  // A person says that the clock is right, though something was signed at a later time (see ledger.h).
  bool accept_clock = false;
};

// Not safe from two threads at once.
class IssuerProcess {
 public:
  // Reads chain, profiles and ledger, and opens the key. Blocks. Errors as Authority::open and SigningLedger::open.
  static Result<std::unique_ptr<IssuerProcess>> open(IssuerProcessSettings const& settings,
                                                     SecretBytes const& passphrase, Time now);
  // From parts, for tests; `keys` are the signers of the issuers, in their order. `path`: of the ledger.
  static Result<std::unique_ptr<IssuerProcess>> make(Issuing issuing, std::vector<std::shared_ptr<KeySigner>> keys,
                                                     std::string const& path, SigningCaps const& caps,
                                                     bool accept_clock, Time now,
                                                     std::optional<FrontCertificate> front = {});

  // Whether open() would open, the ledger apart, and what spkis() would say then.
  static Result<std::vector<Bytes>> rehearse(AuthoritySettings const& settings, SecretBytes const& passphrase);

  std::vector<Bytes> spkis() const;  // of every issuer

  // What came: a message, or one with a list, which is read while it comes.
  struct Arrived {
    Bytes message = {};
    std::optional<CrlReading> list = {};
  };
  CrlReading begin_list(ByteView message_begin) const { return {issuing_, message_begin}; }

  // One answer to each, in their order, as frames. All of them become durable in the ledger by one write before the
  // first of them is signed.
  std::vector<Bytes> answer(std::vector<Arrived> arrived, Time now);
  // The same of messages that are there as a whole.
  std::vector<Bytes> answer(std::vector<Bytes> const& messages, Time now);
  // The ledger can no longer be trusted to take what is signed: nothing more will be.
  bool is_broken() const { return ledger_.is_broken(); }

 private:
  // What passed every judgement.
  struct Passed {
    KnownIssuer const* issuer = nullptr;
    Bytes tbs = {};                     // to sign
    Bytes digest = {};                  // or this is all that there is of it
    std::optional<Recent> answer = {};  // or there is nothing to sign
  };

  IssuerProcess(Issuing issuing, std::vector<std::shared_ptr<KeySigner>> keys, SigningLedger ledger,
                SigningCaps const& caps);
  void learn(SignedEntry const& entry);
  void remember(SignedEntry const& entry);
  bool is_own(Profile const& profile, IssueRequest const& request) const;
  Result<Passed> judge(Bytes const& message, Time now);
  Result<Passed> judge(CertificateWanted const& wanted, Time now);
  Result<Passed> judge(CrlReading reading, Time now);
  Result<Bytes> sign(Passed const& passed);

  Issuing issuing_;
  std::vector<std::shared_ptr<KeySigner>> keys_;  // of issuing_.issuers
  SigningLedger ledger_;
  SigningCap cap_;
  std::optional<FrontCertificate> front_;
  SigningCap list_cap_;
  std::set<std::string> serials_;  // hex; those that the clock alone would not refuse
  std::map<std::pair<std::string, std::string>, SignedEntry> lists_;  // the last of each issuer and scope
  std::deque<SignedEntry> last_certificates_;                         // kRecent of them
  std::optional<Time> mark_;                                          // the latest time of a signature
};

}  // namespace lenscap::ca
