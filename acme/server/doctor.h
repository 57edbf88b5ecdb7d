// What `lenscap-ca doctor` looks at: one check for each thing that ends a CA slowly and that nobody sees coming. Pure:
// each check judges facts that were gathered before, and time is one of them. docs/when-something-is-wrong.md has a
// paragraph for each check by its name.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "base/x509/name_constraints.h"
#include "ca/gap.h"

namespace lenscap::acme {

// What was found on this machine.
struct Facts {
  struct Validity {
    Time not_before{};
    Time not_after{};
  };
  struct File {
    std::string path;
    unsigned mode = 0;  // permission bits
    bool secret = false;
    bool is_ours = true;  // belongs to the owner of the state directory
  };
  struct Between {
    std::string subject;
    Validity validity;
  };
  struct List {
    std::string scope;              // ca/crl_places.h, behind the name of an issuer that is not the default
    std::optional<Validity> made;   // thisUpdate, nextUpdate; nothing: there never was one
    bool is_of_new_issuer = false;  // of which there never was any list, and so no certificate
  };

  Time now{};
  std::optional<bool> clock_is_kept = {};  // by a time server, as the kernel knows; nothing: it does not say
  std::optional<Time> clock_mark = {};     // of the ledger: the latest time at which something was signed
  Validity root = {};
  Validity issuing = {};                                  // the first to end of those that still sign
  std::string issuer = {};                                // its name, when it is not the default
  bool has_parent = false;                                // the root is somebody else's
  bool is_of_parent = false;                              // and he has certified this one
  std::string pending = {};                               // name of an issuer that waits for its certificate
  std::vector<Between> between = {};                      // of a parent's chain, without root and issuing certificate
  std::optional<x509::NameConstraints> constraints = {};  // of the issuing certificate and all above it, together
  std::string how_to_constrain = {};    // below a parent, what can be done where there are none (ca/parent_rules.h)
  bool has_constrained_issuer = false;  // beside the issuing certificate, one that signs
  struct Further {
    std::string name;
    std::optional<x509::NameConstraints> constraints;
  };
  std::vector<Further> further = {};  // the same of the other issuers
  struct Idle {
    std::string issuer;
    std::string why;
    std::vector<std::string> named_by;  // acme.open, or the ids of external account keys that are not revoked
  };
  std::vector<Idle> idle = {};  // issuers that scopes name, and that sign nothing now or ever again
  struct RootList {
    std::string root;              // its subject
    std::optional<Validity> made;  // thisUpdate, nextUpdate; nothing: there never was one
  };
  std::vector<RootList> root_lists = {};  // of our own roots that live, where lists are served
  std::vector<std::string> revoked = {};  // issuers that are, and have not ended
  bool is_any_active = true;              // an issuer that signs
  bool root_key_is_here = false;
  std::vector<File> files = {};
  std::uint64_t space_free = 0;     // octets that the service may still write beside the store
  std::uint64_t space_min = 0;      // store.free_space_min
  std::uint64_t store_used = 0;     // octets, of which the store may have
  std::uint64_t store_max = 0;      // at most so many; 0: it knows no bound
  std::uint64_t ballast = 0;        // octets that are to be put by: store.ballast
  std::uint64_t ballast_there = 0;  // and those that are
  std::string ballast_file = {};
  std::string passphrase = {};           // its source, as in ca.toml
  bool passphrase_is_beside = false;     // in a file below the state directory
  std::optional<Time> last_backup = {};  // written and read back
  std::optional<ca::Gap> gap = {};       // of a restore that nobody has confirmed
  std::vector<List> lists = {};          // those that ought to be; none where none are served
  std::string audit_fault = {};          // what is wrong with the audit trail; empty: nothing
  bool ocsp_is_served = false;
  std::optional<Validity> ocsp_signer = {};         // the latest
  std::optional<Validity> server_certificate = {};  // the latest for the host of server.url
};

enum class Severity { good, advice, warning, critical };
std::string_view to_string(Severity severity);

struct Diagnosis {
  std::string_view check = {};
  Severity severity = Severity::good;
  std::string what = {};
  std::string to_do = {};  // empty when good
};

struct Check {
  std::string_view name;
  std::vector<Diagnosis> (*judge)(Facts const& facts);  // none: good
};
std::span<Check const> checks();

// At least one for each check, in the order of the table.
std::vector<Diagnosis> examine(Facts const& facts);
Severity worst_of(std::vector<Diagnosis> const& all);

}  // namespace lenscap::acme
