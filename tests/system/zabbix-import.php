<?php
/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Zabbix' own import of a template, as far as it goes without a database: reads, validates and converts it as
 * its frontend does, and parses every key and expression.
 *   zabbix-import.php FRONTEND TEMPLATE      exit status 77: the frontend is not as the ones known here */
error_reporting(E_ALL & ~E_DEPRECATED & ~E_WARNING & ~E_NOTICE);
[, $frontend, $template] = $argv;
$classes = [];

chdir($frontend);
foreach (['vendor/autoload.php', 'include/gettextwrapper.inc.php', 'include/defines.inc.php', 'include/func.inc.php',
          'include/items.inc.php', 'include/validate.inc.php'] as $file) {
        if (!file_exists($file)) {
                echo "SKIP: this frontend of Zabbix has no $file\n";
                exit(77);
        }
        require_once $file;
}
foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator('include/classes')) as $file)
        $classes[$file->getBasename('.php')] = $file->getPathname();
spl_autoload_register(function ($class) use ($classes) {
        if (isset($classes[$class]))
                require_once $classes[$class];
});

function need($holds, $what) {
        if ($holds)
                return;
        echo "FAIL: $what\n";
        exit(1);
}

function parse_item($item) {
        need((new CItemKey())->parse($item['key']) == CParser::PARSE_SUCCESS, "key {$item['key']}");
        foreach ($item['triggers'] ?? [] as $trigger) {
                $parser = new CExpressionParser(['usermacros' => true, 'host_macro' => true, 'host_macro_n' => true]);
                need($parser->parse($trigger['expression']) == CParser::PARSE_SUCCESS, "trigger {$trigger['name']}");
        }
        return count($item['triggers'] ?? []);
}

try {
        $factory = new CImportValidatorFactory('yaml');
        $validator = new CXmlValidator($factory, 'yaml');
        $converters = new CImportConverterFactory();
        $data = (new CYamlImportReader())->read(file_get_contents($template));
        $data = $validator->setStrict(true)->validate($data, '/');
        while (($version = $data['zabbix_export']['version']) !== ZABBIX_EXPORT_VERSION)
                $data = $validator->setStrict(false)->validate($converters->getObject($version)->convert($data), '/');
        $schema = $factory->getObject(ZABBIX_EXPORT_VERSION)->getSchema();
        $data = (new CConstantImportConverter($schema))->convert($data);
        $data = (new CDefaultImportConverter($schema))->convert($data);
        $data = (new CImportDataNormalizer($schema))->normalize($data);
} catch (Exception $e) {
        need(false, $e->getMessage());
}
$items = $data['zabbix_export']['templates'][0]['items'];
$triggers = array_sum(array_map('parse_item', $items));
need(count($items) > 0 && $triggers > 0, 'nothing is in it');
printf("%d items, %d triggers, by Zabbix %s\n", count($items), $triggers, ZABBIX_VERSION);
