// camsim: imitates many cameras in one process. Prints "control URL" on standard output when it is ready.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/camsim/control.h"
#include "tests/camsim/device_pki.h"

namespace lenscap::camsim {
namespace {

struct Options {
  std::string control = "127.0.0.1:0";
  std::string port_file;
  std::string devices;
  unsigned long seed = 1;
  double time_scale = 1;
  bool exit_with_parent = false;
};

// A thousand cameras are two thousand listeners, and their connections.
void raise_open_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// Complete or not there at all: a reader may be waiting for the name.
bool write_port_file(std::string const& path, std::string const& url) {
  std::string const part = path + ".part";
  {
    std::ofstream out(part);
    out << url << "\n";
    if (!out.flush()) return false;
  }
  return std::rename(part.c_str(), path.c_str()) == 0;
}

int run(Options const& options) {
  raise_open_files();
  Loop loop;
  loop.stop_on_signals();
  if (options.exit_with_parent) loop.stop_with_parent();
  Keys keys(loop);
  DevicePki pki;
  std::mt19937_64 random(options.seed);
  World world{.loop = loop, .keys = keys, .pki = pki, .random = random, .time_scale = options.time_scale};
  Control control(world);
  if (!options.devices.empty()) {
    std::ifstream in(options.devices);
    std::stringstream text;
    text << in.rdbuf();
    auto const loaded = control.load(text.str());
    if (!in || !loaded.ok()) {
      std::cerr << "camsim: " << options.devices << ": " << (in ? loaded.error().detail() : "cannot be read") << "\n";
      return 2;
    }
  }
  auto const colon = options.control.rfind(':');
  std::string const address = options.control.substr(0, colon);
  auto const port = static_cast<unsigned short>(std::stoul(options.control.substr(colon + 1)));
  Endpoint endpoint(loop, address, port,
                    [&](Request const& request, Reply const& reply) { control.serve(request, reply); });
  endpoint.open(nullptr);
  std::string const url = "http://" + address + ":" + std::to_string(endpoint.port());
  if (!options.port_file.empty() && !write_port_file(options.port_file, url)) {
    std::cerr << "camsim: cannot write " << options.port_file << "\n";
    return 2;
  }
  std::cout << "control " << url << std::endl;
  loop.run();
  return 0;
}

}  // namespace
}  // namespace lenscap::camsim

int main(int argc, char** argv) {
  lenscap::camsim::Options options;
  CLI::App app{"Imitates Axis cameras of several firmware generations, for tests and demonstrations."};
  app.add_option("--control", options.control, "address:port of the control API; port 0 picks one")
      ->capture_default_str();
  app.add_option("--port-file", options.port_file, "file that gets the control URL when everything is ready");
  app.add_option("--devices", options.devices, "JSON file with an array of devices to begin with");
  app.add_option("--seed", options.seed, "of everything random but keys")->capture_default_str();
  app.add_option("--time-scale", options.time_scale, "1: as slow as a camera, 0: no waiting")->capture_default_str();
  app.add_flag("--exit-with-parent", options.exit_with_parent, "end when standard input or the parent does");
  CLI11_PARSE(app, argc, argv);
  try {
    return lenscap::camsim::run(options);
  } catch (std::exception const& error) {
    std::cerr << "camsim: " << error.what() << "\n";
    return 1;
  }
}
