#include "node/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace tholos::node {
namespace {

class ProcessLog final : public base::Log {
 public:
  explicit ProcessLog(const std::string& level)
      : logger_("tholosd", std::make_shared<spdlog::sinks::stderr_sink_mt>()) {
    logger_.set_level(spdlog::level::from_str(level));
    logger_.set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
    logger_.flush_on(spdlog::level::info);
  }

  void Write(base::Severity severity, std::string_view part, std::string_view line) override {
    logger_.log(LevelOf(severity), "{}: {}", spdlog::string_view_t(part.data(), part.size()),
                spdlog::string_view_t(line.data(), line.size()));
  }

 private:
  static spdlog::level::level_enum LevelOf(base::Severity severity) {
    switch (severity) {
      case base::Severity::kInfo:
        return spdlog::level::info;
      case base::Severity::kWarning:
        return spdlog::level::warn;
      case base::Severity::kError:
        return spdlog::level::err;
    }
    return spdlog::level::err;
  }
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<base::Log> MakeProcessLog(const std::string& level) {
  return std::make_unique<ProcessLog>(level);
}

}  // namespace tholos::node
