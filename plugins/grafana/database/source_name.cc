#include "plugins/grafana/database/source_name.h"

#include <array>

#include "io/input_stream.h"

namespace coffer::grafana {

bool NamesServer(std::string_view source) {
  return source.starts_with("postgres://") || source.starts_with("postgresql://");
}

bool NamesFile(std::string_view source) { return source.find("://") == std::string_view::npos; }

Result<std::string> FirstBytes(const std::string& path) {
  COFFER_ASSIGN_OR_RETURN(InputStream stream, InputStream::Open(path));
  std::array<std::byte, kSqliteMagic.size()> bytes = {};
  std::size_t filled = 0;
  while (filled < bytes.size() && !stream.ended()) {
    COFFER_ASSIGN_OR_RETURN(const std::size_t count, stream.Read(MutableBytes(bytes).subspan(filled)));
    filled += count;
  }
  return std::string(AsText(ByteView(bytes).first(filled)));
}

}  // namespace coffer::grafana
