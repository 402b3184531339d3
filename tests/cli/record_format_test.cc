#include "cli/record_format.h"

#include <filesystem>
#include <fstream>
#include <random>

#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace coffer::cli {
namespace {

using Kind = CellValue::Kind;

class RecordFormatTest : public ::testing::Test {
 protected:
  ByteSource SourceOf(const std::string& text) {
    std::filesystem::remove(dir_ / "in");  // some file systems sync a file that is cut and written anew
    std::ofstream(dir_ / "in", std::ios::binary) << text;
    auto source = ByteSource::Open(dir_ / "in");
    COFFER_CHECK(source.ok());
    return std::move(source).value();
  }

  // All records, each column that was asked for replaced by `replacement`.
  Outcome<std::string> Replace(RecordFormat& format, const std::string& text, const std::vector<std::string>& columns,
                               const std::optional<std::string>& replacement) {
    ByteSource source = SourceOf(text);
    COFFER_ASSIGN_OR_RETURN(std::string out, format.Begin(source, columns));
    for (Record record;;) {
      COFFER_ASSIGN_OR_RETURN(const bool more, format.Read(source, record));
      if (!more) return out;
      std::vector<Replacement> replacements;
      for (std::size_t i = 0; i < columns.size(); ++i) replacements.push_back({columns.size() - 1 - i, replacement});
      out += Rewritten(format, record, replacements);
    }
  }

  // The first record's values.
  std::vector<CellValue> Values(RecordFormat& format, const std::string& text,
                                const std::vector<std::string>& columns) {
    ByteSource source = SourceOf(text);
    Record record;
    EXPECT_TRUE(format.Begin(source, columns).ok());
    const auto more = format.Read(source, record);
    EXPECT_TRUE(more.ok() && *more);
    std::vector<CellValue> values;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      auto value = format.ValueOf(record, i);
      EXPECT_TRUE(value.ok());
      if (value.ok()) values.push_back(std::move(*value));
    }
    return values;
  }

  TempDir dir_;
};

TEST_F(RecordFormatTest, JsonValuesAreReplacedInPlace) {
  const auto format = MakeJsonLines();
  const auto out =
      Replace(*format, "{\"b\": [{\"a\":\"]}\\\"\"}], \"a\" :\t\"x\" ,\"n\":1.50}\r\n{\"a\":null,\"b\":{}}", {"b", "a"},
              "q\"é");
  ASSERT_TRUE(out.ok()) << out.error().sentence;
  EXPECT_EQ(*out, "{\"b\": \"q\\\"é\", \"a\" :\t\"q\\\"é\" ,\"n\":1.50}\r\n{\"a\":\"q\\\"é\",\"b\":\"q\\\"é\"}");
}

TEST_F(RecordFormatTest, JsonValuesAreReadByKind) {
  const auto format = MakeJsonLines();
  const auto values = Values(*format, R"({"s":"\u0041\n","i":-12,"t":true,"f":false,"n":null,"\u006b":"key"})",
                             {"s", "i", "t", "f", "n", "k"});
  ASSERT_EQ(values.size(), 6U);
  EXPECT_EQ(values[0].text, "A\n");
  EXPECT_EQ(values[1].text, "-12");
  EXPECT_EQ(values[1].kind, Kind::kInteger);
  EXPECT_EQ(values[2].text, "1");
  EXPECT_EQ(values[3].text, "0");
  EXPECT_EQ(values[4].kind, Kind::kNull);
  EXPECT_EQ(values[5].text, "key");
}

TEST_F(RecordFormatTest, BadJsonIsRefusedWithItsLine) {
  for (const char* text : {"", "x", "[]", "1", "null", "{\"a\":1", "{\"a\":1}}", "{\"a\":1}{\"a\":1}", "{a:1}",
                           "{\"a\":01}", "{\"b\":1}", "{\"a\":1,\"a\":1}", "{\"a\":1,\"\\u0061\":2}", "{}"}) {
    const auto format = MakeJsonLines();
    const auto out = Replace(*format, std::string("{\"a\":1}\n") + text + "\n", {"a"}, "x");
    ASSERT_FALSE(out.ok()) << text;
    EXPECT_TRUE(out.error().sentence.starts_with("line 2: ")) << out.error().sentence;
    EXPECT_EQ(out.error().exit_code, kExitFailed);
  }
}

TEST_F(RecordFormatTest, WhatFollowsAnObjectBehindANulIsRefused) {
  using std::string_literals::operator""s;
  for (const std::string& text :
       {"{\"a\":1}\0"s, "{\"a\":1}\0{\"a\":2}\n"s, "{\"a\":1} \0 \n"s, "\0"s, "{\"a\":\0}"s}) {
    const auto format = MakeJsonLines();
    const auto out = Replace(*format, text, {"a"}, "x");
    ASSERT_FALSE(out.ok()) << text;
    EXPECT_EQ(out.error().sentence, "line 1: is not a JSON object");
  }
}

TEST_F(RecordFormatTest, DeepJsonIsNoStackOverflow) {
  const auto format = MakeJsonLines();
  const std::string deep(200'000, '[');
  EXPECT_FALSE(Replace(*format, "{\"a\":" + deep + "}\n", {"a"}, "x").ok());
  const std::string closed = deep + std::string(200'000, ']');
  EXPECT_TRUE(Replace(*format, "{\"a\":" + closed + "}\n", {"a"}, "x").ok());
}

TEST_F(RecordFormatTest, CsvCellsAreReplacedInPlace) {
  const auto format = MakeCsv("");
  const auto out =
      Replace(*format, "\xef\xbb\xbfid,\"a\"\"b\",c\r\n1,\"x,\"\"\r\n\",z\r\n2,,\"\"\n3,y,\"q\"", {"a\"b"}, "n,1");
  ASSERT_TRUE(out.ok()) << out.error().sentence;
  EXPECT_EQ(*out, "\xef\xbb\xbfid,\"a\"\"b\",c\r\n1,\"n,1\",z\r\n2,\"n,1\",\"\"\n3,\"n,1\",\"q\"");
}

TEST_F(RecordFormatTest, CsvTellsNullFromTheEmptyText) {
  const auto format = MakeCsv("");
  const auto values = Values(*format, "a,b,c\n,\"\",\"x\"\"y\"\n", {"a", "b", "c"});
  ASSERT_EQ(values.size(), 3U);
  EXPECT_EQ(values[0].kind, Kind::kNull);
  EXPECT_EQ(values[1].kind, Kind::kText);
  EXPECT_EQ(values[1].text, "");
  EXPECT_EQ(values[2].text, "x\"y");
  EXPECT_EQ(format->Written(std::nullopt), "");
  EXPECT_EQ(format->Written(""), "\"\"");
}

TEST_F(RecordFormatTest, CsvQuotesATextThatLooksLikeItsNull) {
  const auto format = MakeCsv("NULL");
  EXPECT_EQ(format->Written("NULL"), "\"NULL\"");
  EXPECT_EQ(format->Written(std::nullopt), "NULL");
  EXPECT_EQ(format->Written(""), "");
  EXPECT_EQ(format->Written("a\nb"), "\"a\nb\"");
}

TEST_F(RecordFormatTest, ACsvRecordThatBecomesEmptyStaysARecord) {
  const auto null = Replace(*MakeCsv(""), "a\nx\ny", {"a"}, std::nullopt);
  ASSERT_TRUE(null.ok());
  EXPECT_EQ(*null, "a\n\n\n");
  const auto empty = Replace(*MakeCsv("NULL"), "a\nx", {"a"}, "");
  ASSERT_TRUE(empty.ok());
  EXPECT_EQ(*empty, "a\n\n");
  const auto full = Replace(*MakeCsv(""), "a\nx", {"a"}, "");
  ASSERT_TRUE(full.ok());
  EXPECT_EQ(*full, "a\n\"\"");
}

TEST_F(RecordFormatTest, ACsvNullThatWouldNeedQuotesIsRefused) {
  for (const char* null_text : {"\"", "\"\"", "a,b", "\r", "NULL\n"}) {
    const auto out = Replace(*MakeCsv(null_text), "a\n1\n", {"a"}, std::nullopt);
    ASSERT_FALSE(out.ok()) << null_text;
    EXPECT_EQ(out.error().exit_code, kExitUsage);
  }
}

TEST_F(RecordFormatTest, BadCsvIsRefusedWithItsLine) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "the input is empty"},
      {"b\n1\n", "line 1: the header has no column a"},
      {"a,a\n1,2\n", "line 1: the header has the column a twice"},
      {"a,b\n\n", "line 2: has not as many cells"},
      {"a\n\"x\ny\n", "line 2: a quote is never closed"},
      {"a\nx\"y\"\n", "line 2: has a quote inside"},
      {"a\n\"x\"y\n", "line 2: has text behind"},
      {"a\n\"x\" \"y\"\n", "line 2: has text behind"},
      {"a,b\n1,2,3\n", "line 2: has not as many cells"},
      {std::string(5'000, ','), "line 1: has more than 4096 cells"},
  };
  for (const auto& [text, sentence] : cases) {
    const auto format = MakeCsv("");
    const auto out = Replace(*format, text, {"a"}, "x");
    ASSERT_FALSE(out.ok()) << text;
    EXPECT_TRUE(out.error().sentence.starts_with(sentence)) << out.error().sentence;
  }
}

TEST_F(RecordFormatTest, ARecordOfManyLinesIsBoundedToo) {
  const auto format = MakeCsv("");
  const std::string text = "a\n\"" + std::string(kMaxRecord / 2, '\n') + std::string(kMaxRecord, 'x') + "\"\n";
  const auto out = Replace(*format, text, {"a"}, "x");
  ASSERT_FALSE(out.ok());
  EXPECT_NE(out.error().sentence.find("longer than a record may be"), std::string::npos);
}

// Texts of a format's own characters: most are refused, none may crash, and what is taken comes back as it was.
std::string RandomText(std::minstd_rand& random, std::string_view alphabet) {
  std::string text;
  for (std::size_t left = random() % 24; left > 0; --left) text += alphabet[random() % alphabet.size()];
  return text;
}

TEST_F(RecordFormatTest, WhatIsTakenAndNotReplacedComesBack) {
  std::minstd_rand random(20'261'121);
  int taken = 0;
  for (int i = 0; i < 4'000; ++i) {
    const bool csv = i % 2 == 0;
    const std::string text =
        csv ? "a,b\n" + RandomText(random, "\"\",,\n\r x")
            : "{\"a\":" + RandomText(random, "\"{}[]:,\\ 1n") + "}\n" + RandomText(random, "\"{}[]:a1");
    const auto format = csv ? MakeCsv("") : MakeJsonLines();
    const auto out = Replace(*format, text, {}, std::nullopt);
    if (!out.ok()) continue;
    ++taken;
    EXPECT_EQ(*out, text);
    const auto replaced = Replace(*(csv ? MakeCsv("") : MakeJsonLines()), text, {"a"}, "v");
    EXPECT_TRUE(replaced.ok() || !csv) << text;
  }
  EXPECT_GT(taken, 100);
}

TEST_F(RecordFormatTest, ATextIsReadAsAFileIs) {
  const std::string text = std::string(100'000, 'x') + "\n\n\r\nlast";
  std::vector<std::string> read[2];
  ByteSource sources[] = {ByteSource::Of(text), SourceOf(text)};
  for (int i = 0; i < 2; ++i) {
    for (std::string line;; line.clear()) {
      const auto more = sources[i].ReadLine(line);
      ASSERT_TRUE(more.ok());
      if (!*more) break;
      read[i].push_back(line);
    }
    EXPECT_EQ(sources[i].bytes(), text.size());
    EXPECT_EQ(sources[i].lines(), 4U);
  }
  EXPECT_EQ(read[0], read[1]);
}

TEST_F(RecordFormatTest, AFileThatIsNotThereIsAFailure) {
  const auto source = ByteSource::Open(dir_ / "nothing");
  ASSERT_FALSE(source.ok());
  EXPECT_EQ(source.error().sentence, "--in: " + ShownPath(dir_ / "nothing") + ": does not exist");
}

TEST_F(RecordFormatTest, WhatCouldBeCsvGetsAHint) {
  const std::string hint = "for CSV say --format csv";
  for (const auto& [text, step] : std::vector<std::pair<std::string, std::string>>{{"id,email\n1,x\n", hint},
                                                                                   {"\"id\",email\n", hint},
                                                                                   {"id\n", hint},
                                                                                   {"7\n", hint},
                                                                                   {"{\"id\":1\n", ""},
                                                                                   {"{\"id\":1} {}\n", ""},
                                                                                   {"[1,2]\n", ""},
                                                                                   {"\n", ""},
                                                                                   {"{\"id\":1}\nid,email\n", ""}}) {
    ByteSource source = ByteSource::Of(text);
    const auto format = MakeJsonLines();
    ASSERT_TRUE(format->Begin(source, {}).ok());
    Record record;
    auto more = format->Read(source, record);
    while (more.ok() && *more) more = format->Read(source, record);
    ASSERT_FALSE(more.ok()) << text;
    EXPECT_TRUE(more.error().sentence.ends_with("is not a JSON object")) << more.error().sentence;
    EXPECT_EQ(more.error().next_step, step) << text;
  }
}

const std::vector<AppendedValue> kAppended = {std::int64_t{7}, std::vector<std::int64_t>{1, 2}, std::string("\\x0a"),
                                              std::monostate()};

Outcome<std::string> Appended(RecordFormat& format, ByteSource source) {
  format.Append({"n", "a", "b", "z"});
  COFFER_ASSIGN_OR_RETURN(std::string out, format.Begin(source, {"k"}));
  for (Record record;;) {
    COFFER_ASSIGN_OR_RETURN(const bool more, format.Read(source, record));
    if (!more) return out;
    out += Rewritten(format, record, std::vector<Replacement>{{0, "v"}}, kAppended);
  }
}

TEST_F(RecordFormatTest, JsonGetsColumnsBehindItsLastOne) {
  const auto out = Appended(*MakeJsonLines(), SourceOf("{\"k\":1}\r\n{ \"k\" : {\"n\":[]} , \"o\" : null\t}"));
  ASSERT_TRUE(out.ok()) << out.error().sentence;
  EXPECT_EQ(*out,
            "{\"k\":\"v\",\"n\":7,\"a\":[1,2],\"b\":\"\\\\x0a\",\"z\":null}\r\n"
            "{ \"k\" : \"v\" , \"o\" : null,\"n\":7,\"a\":[1,2],\"b\":\"\\\\x0a\",\"z\":null\t}");
}

TEST_F(RecordFormatTest, CsvGetsColumnsAtTheEndOfEachLine) {
  const auto out = Appended(*MakeCsv(""), SourceOf("\xef\xbb\xbfk,o\r\n1,\"x\ny\"\r\n2,"));
  ASSERT_TRUE(out.ok()) << out.error().sentence;
  EXPECT_EQ(*out, "\xef\xbb\xbfk,o,n,a,b,z\r\nv,\"x\ny\",7,\"{1,2}\",\\x0a,\r\nv,,7,\"{1,2}\",\\x0a,");
}

TEST_F(RecordFormatTest, AColumnThatIsThereAlreadyIsNotAddedAgain) {
  const auto json = Appended(*MakeJsonLines(), SourceOf("{\"k\":1}\n{\"k\":1,\"\\u0061\":2}\n"));
  ASSERT_FALSE(json.ok());
  EXPECT_EQ(json.error().sentence, "line 2: has the key a already");
  const auto csv = Appended(*MakeCsv(""), SourceOf("k,\"z\"\n1,2\n"));
  ASSERT_FALSE(csv.ok());
  EXPECT_EQ(csv.error().sentence, "line 1: the header has the column z already");
}

}  // namespace
}  // namespace coffer::cli
