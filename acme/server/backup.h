// A back-up: one file, sealed under a passphrase of its own, with all that makes the CA again on another machine: the
// store as of one moment, the settings, the profiles, and the keys folder. NOT in it: the root's key, which belongs
// elsewhere (whatever begins with its name), and no passphrase. The issuing key in it stays sealed under its own
// passphrase as well.
//
// Inside the seal (base/sealed_stream.h) are lines of JSON:
//   {"lenscap_backup":1,"made_at":1780315200,"root_sha256":"...","files":7}
//   {"path":"keys/issuing.pem","mode":420,"text":"..."}      so many
//   and then the store, as store/copy.h writes it
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "store/store.h"

namespace lenscap::acme {

struct BackupContent {
  Time made_at{};
  std::string root_sha256 = {};
  std::size_t files = 0;
  std::size_t records = 0;
  // Files below the state directory whose names no restore would write, such as what an editor leaves behind: not in
  // it. Of a back-up that is read: empty.
  std::vector<std::string> left_out = {};
};

// Reads one moment of the store, beside the service that writes to it. `config` is the settings file.
Result<BackupContent> write_backup(std::ostream& out, SecretBytes const& passphrase, std::string const& state_dir,
                                   std::string const& config, store::Store& store, Time now);

// Reads all of it back, as a restore would, and keeps nothing. Refusals: Errc::wrong_passphrase, malformed, settings
// (of a newer program).
Result<BackupContent> verify_backup(std::istream& in, SecretBytes const& passphrase);

// Makes the state directory from it, `in` from its beginning. The store opens a gap (ca/gap.h): nothing is issued until
// a person has agreed to that. Refuses (Errc::conflict) a directory in which there is a CA, or what a restore that was
// broken off has left. The settings appear last: without them there is no CA. Verify the file before.
Result<BackupContent> restore_backup(std::istream& in, SecretBytes const& passphrase, std::string const& state_dir,
                                     Time now);

}  // namespace lenscap::acme
