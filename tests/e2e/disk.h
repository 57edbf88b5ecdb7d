// What a program did to the files below a folder, by strace's account, and what of it a power cut may leave.
//
// A disk keeps what stood in a file, and its mode, when a sync of that file returned, and which names stood in a folder
// when a sync of that folder did. Of what came after it, it keeps in each file any part, also of a single write, in
// sectors of 512 octets; and in each folder whatever was done up to some moment, for each folder another one: a name
// may be there without the content, the content without the name, and what has gone from one folder need not have come
// to the other. What is mapped into memory is not seen, which of the files here is lock.mdb alone; that has nothing
// which counts after a power cut.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace lenscap::e2e {

class Disk {
 public:
  // The calls to trace, with -y -xx and -s beyond the length of whatever is written.
  static constexpr char const* kCalls =
      "lseek,write,writev,pwrite64,pwritev,pwritev2,sendfile,copy_file_range,fsync,fdatasync,rename,renameat,renameat2,"
      "link,"
      "linkat,symlink,symlinkat,unlink,unlinkat,rmdir,openat,creat,ftruncate,truncate,fallocate,mkdir,mkdirat,chmod,"
      "fchmod,fchmodat";

  // All that stands below the folder now, and is kept.
  explicit Disk(std::string folder);
  // Throws std::runtime_error where it cannot follow the program: a call that it does not know, a relative path, a
  // descriptor that it never saw opened. What several threads do at the same moment is taken in the order in which
  // their calls returned.
  void play(std::string const& log);

  std::size_t steps() const { return steps_.size(); }
  std::string describe(std::size_t step) const;

  // What the syncs are worth. The others are for judging the judge.
  enum class Syncs { kept, of_folders_lie, of_files_lie };
  // Puts in the folder's place what may be left when power goes while step `cut` is under way, and those before it have
  // returned.
  void leave(std::size_t cut, std::mt19937_64& random) const;
  // The least that may be left, and the most.
  void leave_least(std::size_t cut, Syncs syncs = Syncs::kept) const;
  void leave_all(std::size_t cut) const;

 private:
  class Player;
  enum class Kind { name, no_name, write, truncate, mode, sync };
  struct Step {
    Kind kind;
    int node;                  // the file or folder whose content it changes
    std::string name = {};     // in the folder
    int child = -1;            // of that name
    std::string former = {};   // of a rename in the folder: the name that it had
    std::uint64_t offset = 0;  // of a write; of a truncation: the file's new length
    std::string data = {};
    bool is_durable = false;  // of a write: the file is open with O_DSYNC
    mode_t mode = 0;
  };
  struct Node {
    bool is_folder;
    mode_t mode;
    std::string path;     // where it was first seen
    std::string content;  // of a file, at the beginning
    std::map<std::string, int> names = {};
  };
  enum class Kept { no, in_part, yes };
  // Which of the steps that nothing has made durable are kept: `count` of them, in their order.
  using Choice = std::vector<Kept> (*)(bool is_folder, std::size_t count, std::mt19937_64* random);

  template <Kept K>
  static std::vector<Kept> all_of(bool, std::size_t count, std::mt19937_64*) {
    return std::vector<Kept>(count, K);
  }
  static std::vector<Kept> by_chance(bool is_folder, std::size_t count, std::mt19937_64* random);

  int take(std::string const& path);
  bool makes_durable(Step const& step, Syncs syncs) const;
  std::vector<Node> left(std::size_t cut, Syncs syncs, Choice choice, std::mt19937_64* random) const;
  void put_in_place(std::vector<Node> const& nodes) const;
  static void apply(Node& node, Step const& step);
  static void apply_in_part(Node& node, Step const& step, std::mt19937_64& random);

  std::string folder_;
  std::vector<Node> nodes_;  // the folder first
  std::vector<Step> steps_;
};

}  // namespace lenscap::e2e
