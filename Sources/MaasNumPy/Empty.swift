// Being built: removed by the first file that lands here.
