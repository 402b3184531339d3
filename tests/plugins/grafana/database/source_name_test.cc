#include "plugins/grafana/database/source_name.h"

#include <gtest/gtest.h>

#include "io/file.h"
#include "tests/support/temp_dir.h"

namespace coffer::grafana {
namespace {

TEST(SourceNameTest, ServersAndFilesAreToldByTheScheme) {
  for (const char* server : {"postgres://h/d", "postgresql://u@/d?host=/run"}) {
    EXPECT_TRUE(NamesServer(server));
    EXPECT_FALSE(NamesFile(server));
  }
  for (const char* file : {"grafana.db", "/var/lib/grafana/grafana.db", "postgres", "postgresql:/x", ""}) {
    EXPECT_FALSE(NamesServer(file));
    EXPECT_TRUE(NamesFile(file));
  }
  for (const char* neither : {"mysql://root:hunter2@db/grafana", "file:///x", "Postgres://h/d", "x postgres://h/d"}) {
    EXPECT_FALSE(NamesServer(neither));
    EXPECT_FALSE(NamesFile(neither));
  }
}

TEST(SourceNameTest, FirstBytesAreThoseThatAreThere) {
  const TempDir folder;
  const std::string path = folder / "file";
  const std::string magic(kSqliteMagic);
  ASSERT_EQ(magic.size(), 16U);
  for (const std::string& content : {std::string(), std::string("S"), magic.substr(0, 15), magic, magic + "more"}) {
    ASSERT_TRUE(ReplaceFile(path, AsBytes(content), 0600).ok());
    const auto first = FirstBytes(path);
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(*first, content.substr(0, 16));
    EXPECT_EQ(*first == kSqliteMagic, content.size() >= 16);
  }
  EXPECT_EQ(FirstBytes(folder / "none").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace coffer::grafana
