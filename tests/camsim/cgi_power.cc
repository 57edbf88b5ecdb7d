// restart.cgi, factorydefault.cgi, hardfactorydefault.cgi.
#include "tests/camsim/cgi.h"

namespace lenscap::camsim {
namespace {

Response page(std::string const& text) {
  return html(200, "<HTML><HEAD><TITLE>" + text + "</TITLE></HEAD>\n<BODY>" + text + "</BODY></HTML>\n");
}

}  // namespace

Outcome restart_cgi(Exchange& x) {
  Response answer = page("Restarting");
  answer.after = [device = x.device] { device->reboot(); };
  return answer;
}

Outcome factorydefault_cgi(Exchange& x) {
  Response answer = page("Restoring factory default");
  answer.after = [device = x.device] { device->factory_default(false); };
  return answer;
}

Outcome hardfactorydefault_cgi(Exchange& x) {
  Response answer = page("Restoring all factory default settings");
  answer.after = [device = x.device] { device->factory_default(true); };
  return answer;
}

}  // namespace lenscap::camsim
