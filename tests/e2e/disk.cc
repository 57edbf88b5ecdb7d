#include "tests/e2e/disk.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "tests/e2e/calls.h"

namespace lenscap::e2e {
namespace {

namespace fs = std::filesystem;

std::string read(std::string const& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

mode_t mode_of(std::string const& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) throw std::runtime_error("no such file: " + path);
  return status.st_mode & 07777U;
}

mode_t less_umask(mode_t mode) {
  auto const mask = ::umask(0);
  ::umask(mask);
  return mode & ~mask;
}

}  // namespace

// --- what stands there at the beginning ---

Disk::Disk(std::string folder) : folder_(std::move(folder)) { take(folder_); }

int Disk::take(std::string const& path) {
  int const number = static_cast<int>(nodes_.size());
  bool const is_folder = fs::is_directory(path);
  nodes_.push_back({is_folder, mode_of(path), path, is_folder ? "" : read(path)});
  if (!is_folder) return number;
  std::map<std::string, int> names;
  for (auto const& entry : fs::directory_iterator(path))
    names[entry.path().filename().string()] = take(entry.path().string());
  nodes_[static_cast<std::size_t>(number)].names = std::move(names);
  return number;
}

// --- what a program did ---

class Disk::Player {
 public:
  explicit Player(Disk& disk) : disk_(disk), now_(disk.nodes_) {}

  void play(Call const& call) {
    if (call.name == "openat") return open(call);
    if (call.name == "write" || call.name == "writev" || call.name == "pwrite64" || call.name == "pwritev")
      return write(call);
    if (call.name == "lseek") return seek(call);
    if (call.name == "fsync" || call.name == "fdatasync") return sync(call);
    if (call.name == "mkdir") return make_folder(path(call.arguments[0]), call.arguments[1]);
    if (call.name == "mkdirat") return make_folder(path_at(call, 0), call.arguments[2]);
    if (call.name == "rename") return rename(path(call.arguments[0]), path(call.arguments[1]));
    if (call.name == "renameat" || call.name == "renameat2") return rename(path_at(call, 0), path_at(call, 2));
    if (call.name == "link") return link(path(call.arguments[0]), path(call.arguments[1]));
    if (call.name == "unlink" || call.name == "rmdir") return unlink(path(call.arguments[0]));
    if (call.name == "unlinkat") return unlink(path_at(call, 0));
    if (call.name == "ftruncate") return truncate(call);
    if (call.name == "chmod") return change_mode(find(path(call.arguments[0])), call.arguments[1]);
    if (call.name == "fchmod") return change_mode(file_of(call.arguments[0]), call.arguments[1]);
    if (call.name == "fchmodat") return change_mode(find(path_at(call, 0)), call.arguments[2]);
    for (auto const& argument : call.arguments) {
      auto const is_open = argument.find(kOpenFile) != argument.npos;
      auto const what = is_open ? between(argument, '<', '>') : argument.starts_with("\"") ? path(argument) : "";
      if (is_ours(what))
        throw std::runtime_error("nobody knows what this does to a disk: " + call.name + " of " + what);
    }
  }

 private:
  // What is known of an open file.
  struct Open {
    bool is_durable = false;
    bool appends = false;
    std::uint64_t at = 0;
  };
  using Key = std::pair<std::string, int>;  // its descriptor's number and the file

  bool is_ours(std::string const& path) const { return path == disk_.folder_ || path.starts_with(disk_.folder_ + "/"); }
  static std::string plain(std::string const& path) {
    auto text = fs::path(path).lexically_normal().string();
    if (text.size() > 1 && text.ends_with("/")) text.pop_back();
    return text;
  }
  static std::string path(std::string const& argument) {
    auto const text = between(argument, '"', '"');
    if (!text.starts_with("/")) throw std::runtime_error("nobody knows what this is relative to: " + text);
    return plain(text);
  }
  // Of a folder's descriptor and a name in it.
  static std::string path_at(Call const& call, std::size_t at) {
    auto const name = between(call.arguments[at + 1], '"', '"');
    return plain(name.starts_with("/") ? name : between(call.arguments[at], '<', '>') + "/" + name);
  }

  Node& node(int number) { return now_[static_cast<std::size_t>(number)]; }
  std::optional<int> look(std::string const& path) {
    if (!is_ours(path)) return std::nullopt;
    int at = 0;
    if (path == disk_.folder_) return at;
    for (auto const& part : fs::path(path).lexically_relative(disk_.folder_)) {
      auto const found = node(at).names.find(part.string());
      if (found == node(at).names.end()) return std::nullopt;
      at = found->second;
    }
    return at;
  }
  int find(std::string const& path) {
    auto const found = look(path);
    if (!found && is_ours(path)) throw std::runtime_error("it never came into being: " + path);
    return found.value_or(-1);
  }
  // By the name that it has now; -1: none of ours. One that has no name any more counts for nothing after a power cut.
  int file_of(std::string const& argument) {
    auto const path = between(argument, '<', '>');
    return argument.find("(deleted)") != argument.npos ? -1 : find(path);
  }
  std::pair<int, std::string> place(std::string const& path) {
    fs::path const whole(path);
    return {find(whole.parent_path().string()), whole.filename().string()};
  }

  void step(Step step) {
    apply(node(step.node), step);
    disk_.steps_.push_back(std::move(step));
  }
  int make(bool is_folder, mode_t mode, std::string const& path) {
    disk_.nodes_.push_back({is_folder, less_umask(mode), path, ""});
    now_.push_back(disk_.nodes_.back());
    return static_cast<int>(now_.size()) - 1;
  }
  void name(std::string const& path, int child) {
    auto const [folder, name] = place(path);
    step({Kind::name, folder, name, child});
  }

  Open& opened(Call const& call, int file) {
    auto const found = open_.find({call.arguments[0].substr(0, call.arguments[0].find('<')), file});
    if (found == open_.end()) throw std::runtime_error("nobody saw it opened: " + call.arguments[0].substr(0, 99));
    return found->second;
  }
  void open(Call const& call) {
    auto const path = path_at(call, 0);
    if (!is_ours(path)) return;
    auto const& flags = call.arguments[2];
    auto const has = [&](char const* flag) { return flags.find(flag) != flags.npos; };
    if (has("O_TMPFILE")) throw std::runtime_error("a file without a name: " + path);
    auto there = look(path);
    if (!there && has("O_CREAT")) {
      there = make(false, static_cast<mode_t>(number(call.arguments[3], 8)), path);
      name(path, *there);
    }
    if (!there) throw std::runtime_error("it opened what never came into being: " + path);
    if (has("O_TRUNC") && !node(*there).content.empty()) step({.kind = Kind::truncate, .node = *there});
    open_[{call.result.substr(0, call.result.find('<')), *there}] = {has("O_DSYNC") || has("O_SYNC"), has("O_APPEND")};
  }
  void write(Call const& call) {
    if (call.arguments[0].find(kOpenFile) == std::string::npos) return;
    auto const file = file_of(call.arguments[0]);
    if (file < 0) return;
    auto& as = opened(call, file);
    bool const has_place = call.name.starts_with("p");
    auto const at = has_place ? number(call.arguments[3]) : as.appends ? node(file).content.size() : as.at;
    std::string data;
    auto const& text = call.arguments[1];
    for (std::size_t quote = text.find('"'); quote != text.npos; quote = text.find('"', text.find('"', quote + 1) + 1))
      data += between(std::string_view(text).substr(quote), '"', '"');
    data.resize(number(call.result));
    if (!has_place) as.at = at + data.size();
    step({.kind = Kind::write, .node = file, .offset = at, .data = std::move(data), .is_durable = as.is_durable});
  }
  void seek(Call const& call) {
    if (call.arguments[0].find(kOpenFile) == std::string::npos) return;
    if (auto const file = file_of(call.arguments[0]); file >= 0) opened(call, file).at = number(call.result);
  }
  void sync(Call const& call) {
    if (auto const file = file_of(call.arguments[0]); file >= 0) step({.kind = Kind::sync, .node = file});
  }
  void make_folder(std::string const& path, std::string const& mode) {
    if (is_ours(path)) name(path, make(true, static_cast<mode_t>(number(mode, 8)), path));
  }
  void rename(std::string const& from, std::string const& to) {
    if (!is_ours(from) && !is_ours(to)) return;
    auto const file = find(from);
    if (file < 0 || !is_ours(to)) throw std::runtime_error("it came from elsewhere, or went there: " + to);
    if (auto const there = look(to); there == file) return;  // two names of one file stay as they are
    auto const [old_folder, old_name] = place(from);
    auto const [folder, name] = place(to);
    if (old_folder != folder) {
      step({Kind::name, folder, name, file});
      step({Kind::no_name, old_folder, old_name});
    } else {
      step({.kind = Kind::name, .node = folder, .name = name, .child = file, .former = old_name});
    }
  }
  void link(std::string const& from, std::string const& to) {
    if (!is_ours(to)) return;
    auto const file = find(from);
    if (file < 0) throw std::runtime_error("it came from elsewhere: " + to);
    name(to, file);
  }
  void unlink(std::string const& path) {
    if (!is_ours(path)) return;
    auto const [folder, name] = place(path);
    step({Kind::no_name, folder, name});
  }
  void truncate(Call const& call) {
    if (auto const file = file_of(call.arguments[0]); file >= 0)
      step({.kind = Kind::truncate, .node = file, .offset = number(call.arguments[1])});
  }
  void change_mode(int file, std::string const& mode) {
    if (file >= 0) step({.kind = Kind::mode, .node = file, .mode = static_cast<mode_t>(number(mode, 8))});
  }

  Disk& disk_;
  std::vector<Node> now_;  // as the program sees them
  std::map<Key, Open> open_;
};

void Disk::play(std::string const& log) {
  Player player(*this);
  visit_calls(log, [&](Call const& call) { player.play(call); });
}

std::string Disk::describe(std::size_t step) const {
  if (step >= steps_.size()) return "after the end";
  auto const& what = steps_[step];
  auto const path = nodes_[static_cast<std::size_t>(what.node)].path.substr(folder_.size());
  switch (what.kind) {
    case Kind::name:
      return "name " + path + "/" + what.name + (what.former.empty() ? "" : ", till then " + what.former);
    case Kind::no_name:
      return "remove " + path + "/" + what.name;
    case Kind::write:
      return "write " + path;
    case Kind::truncate:
      return "truncate " + path;
    case Kind::mode:
      return "change the mode of " + path;
    case Kind::sync:
      return "sync " + path;
  }
  return "";
}

// --- what is left of it ---

namespace {

constexpr std::size_t kSector = 512;

}  // namespace

void Disk::apply(Node& node, Step const& step) {
  switch (step.kind) {
    case Kind::name:
      node.names[step.name] = step.child;
      if (!step.former.empty()) node.names.erase(step.former);
      return;
    case Kind::no_name:
      node.names.erase(step.name);
      return;
    case Kind::write:
      if (node.content.size() < step.offset + step.data.size()) node.content.resize(step.offset + step.data.size());
      node.content.replace(step.offset, step.data.size(), step.data);
      return;
    case Kind::truncate:
      node.content.resize(step.offset);
      return;
    case Kind::mode:
      node.mode = step.mode;
      return;
    case Kind::sync:
      return;
  }
}

void Disk::apply_in_part(Node& node, Step const& step, std::mt19937_64& random) {
  if (step.kind != Kind::write) return;
  for (std::size_t at = 0; at < step.data.size();) {
    auto const length = std::min(kSector - (step.offset + at) % kSector, step.data.size() - at);
    if (random() % 2 == 0)
      apply(node,
            {.kind = Kind::write, .node = step.node, .offset = step.offset + at, .data = step.data.substr(at, length)});
    at += length;
  }
}

std::vector<Disk::Kept> Disk::by_chance(bool is_folder, std::size_t count, std::mt19937_64* random) {
  std::vector<Kept> kept(count, Kept::no);
  auto const mood = (*random)() % 4;
  if (mood == 0) return kept;
  auto const until = mood == 1 ? count : (*random)() % (count + 1);
  for (std::size_t i = 0; i < count; ++i) {
    kept[i] = i < until ? Kept::yes : Kept::no;
    if (mood == 3 && !is_folder) kept[i] = static_cast<Kept>((*random)() % 3);
  }
  return kept;
}

bool Disk::makes_durable(Step const& step, Syncs syncs) const {
  if (step.kind != Kind::sync) return false;
  bool const is_folder = nodes_[static_cast<std::size_t>(step.node)].is_folder;
  return syncs == Syncs::kept || (syncs == Syncs::of_folders_lie) != is_folder;
}

std::vector<Disk::Node> Disk::left(std::size_t cut, Syncs syncs, Choice choice, std::mt19937_64* random) const {
  auto nodes = nodes_;
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    std::vector<std::size_t> own;  // its steps
    std::size_t kept = 0;          // so many of them, for certain
    for (std::size_t i = 0; i < steps_.size() && i <= cut; ++i) {
      if (steps_[i].node != static_cast<int>(n)) continue;
      if (i < cut && makes_durable(steps_[i], syncs)) kept = own.size();
      if (steps_[i].kind != Kind::sync) own.push_back(i);
    }
    auto const chosen = choice(nodes[n].is_folder, own.size() - kept, random);
    for (std::size_t i = 0; i < own.size(); ++i) {
      auto const& step = steps_[own[i]];
      bool const is_durable = i < kept || (step.is_durable && own[i] < cut && syncs != Syncs::of_files_lie);
      if (is_durable || chosen[i - kept] == Kept::yes)
        apply(nodes[n], step);
      else if (chosen[i - kept] == Kept::in_part)
        apply_in_part(nodes[n], step, *random);
    }
  }
  return nodes;
}

void Disk::put_in_place(std::vector<Node> const& nodes) const {
  fs::remove_all(folder_);
  std::map<int, std::string> written;  // where: a file may have several names
  std::function<void(int, std::string const&)> const write = [&](int number, std::string const& path) {
    auto const& node = nodes[static_cast<std::size_t>(number)];
    if (auto const there = written.find(number); there != written.end() && !node.is_folder)
      return fs::create_hard_link(there->second, path);
    written[number] = path;
    if (node.is_folder)
      fs::create_directory(path);
    else
      std::ofstream(path, std::ios::binary) << node.content;
    for (auto const& [name, child] : node.names) write(child, path + "/" + name);
    if (::chmod(path.c_str(), node.mode) != 0) throw std::runtime_error("chmod " + path);
  };
  write(0, folder_);
}

void Disk::leave(std::size_t cut, std::mt19937_64& random) const {
  put_in_place(left(cut, Syncs::kept, by_chance, &random));
}
void Disk::leave_least(std::size_t cut, Syncs syncs) const {
  put_in_place(left(cut, syncs, all_of<Kept::no>, nullptr));
}
void Disk::leave_all(std::size_t cut) const { put_in_place(left(cut, Syncs::kept, all_of<Kept::yes>, nullptr)); }

}  // namespace lenscap::e2e
