// Judges the chain that came back from a parent for our issuing key: may this CA work with it, and what does the whole
// chain leave it to issue? Pure: nothing is read, written or fetched. It does NOT ask whether anything was revoked.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/x509/certificate.h"

namespace lenscap::ca {

struct ParentVerdict {
  x509::Certificate issuing;
  std::vector<x509::Certificate> above;  // from the issuing certificate's parent up to and with the root
  // Each level's own, the issuing certificate's first; a name must pass all of them.
  std::vector<x509::NameConstraints> constraints;
  Time ends;  // the earliest end in the chain
  // How many CA certificates the chain allows below the issuing one; nullopt when nobody limits it.
  std::optional<int> path_length;
  // What does not forbid the work but should be known: duplicates, unrelated certificates, no constraints at all.
  std::vector<std::string> warnings;
};

enum class KeyOrigin {
  made_here,  // and a request for it went to the parent
  imported,   // it came with the certificates
};

// `given` is all that the parent sent, in any order: our certificate, those above it and the self-signed root.
// Errc::settings, naming the certificate, what is wrong with it and what to ask the parent for.
Result<ParentVerdict> judge_parent_chain(std::vector<x509::Certificate> const& given, x509::PublicKey const& our_key,
                                         Time now, KeyOrigin origin = KeyOrigin::made_here);

// A CA key that is at hand and is to sign for ours: what judge_parent_chain() would say of its certificate and of those
// above it, said before anything is signed. `wanted`: what ours is to permit.
struct SignerVerdict {
  std::vector<x509::Certificate> above;  // the signer's
  std::optional<int> path_length;        // how many CA certificates the chain allows below ours
};
Result<SignerVerdict> judge_signer_chain(std::vector<x509::Certificate> const& given, x509::Certificate const& signer,
                                         x509::NameConstraints const& wanted, Time now);

// The first certificate whose path length leaves no room for one more CA below `issuing`; nullptr when there is room.
x509::Certificate const* who_leaves_no_room(x509::Certificate const& issuing,
                                            std::vector<x509::Certificate> const& above);

// Where nothing in the chain constrains names: what can be done about it, by the room that path lengths leave.
std::string how_to_constrain(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above);

}  // namespace lenscap::ca
